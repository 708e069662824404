//! The headings that a task stands below, which distinguish it from another task with the same text.

use std::sync::Arc;

use super::lines::SourceLines;
use super::task_line::TaskLine;

/// Between two headings.
const BELOW: &str = " › ";

/// Per task: the headings above it that are not tasks, outermost first. The title of the file is among them only where
/// nothing else is.
pub(crate) fn headings_above(lines: &SourceLines<'_>, tasks: &[TaskLine<'_>]) -> Vec<Arc<str>> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut section: Arc<str> = Arc::from("");
    let mut sections = Vec::with_capacity(tasks.len());
    let mut line = 0;
    for (index, task) in tasks.iter().enumerate() {
        let before = line;
        while line < task.line {
            let is_task = index > 0 && tasks[index - 1].line == line;
            if let Some(heading) = lines.heading(line) {
                open.retain(|(level, _)| *level < heading.level);
                if !is_task {
                    open.push((heading.level, lines.text(line).trim().trim_matches('#').trim()));
                }
            }
            line += 1;
        }
        if before != line {
            open.retain(|(level, _)| task.level == 0 || *level < task.level);
            let inner = open.iter().filter(|(level, _)| *level > 1 || open.len() == 1);
            let path = inner.map(|(_, text)| *text).collect::<Vec<_>>().join(BELOW);
            if *path != *section {
                section = Arc::from(path);
            }
        }
        sections.push(section.clone());
    }
    sections
}

#[cfg(test)]
mod tests {
    use crate::spec::parse;

    #[test]
    fn a_task_knows_the_headings_above_it() {
        let text = "# Plan\n\n- [ ] A\n\n## Api ##\n- [ ] B\n### Tests\n- [ ] C\n## Ui\n- [ ] D\n";
        let sections: Vec<String> = parse(text).tasks.iter().map(|task| task.section.to_string()).collect();
        assert_eq!(sections, ["Plan", "Api", "Api › Tests", "Ui"]);
    }

    #[test]
    fn a_task_says_whether_the_file_gives_its_id() {
        let placed = |text: &str| parse(text).tasks.iter().map(|task| task.placed_id).collect::<Vec<_>>();
        assert_eq!(placed("- [ ] A\n- [ ] B\n"), [true, true]);
        assert_eq!(placed("- [ ] 1. A\n- [ ] 2. B\n"), [false, false]);
    }
}
