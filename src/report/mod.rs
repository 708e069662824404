//! PURE. What people and programs read; everything is written to a `&mut dyn Write` or given as a value.

mod changes;
pub mod counts;
pub mod doc_page;
pub mod event_text;
pub mod events;
mod hook_variables;
pub mod left_cost;
pub mod limits;
pub mod moves;
pub mod needs;
pub mod notice;
pub mod page;
pub mod plan;
pub mod plan_json;
mod plan_settings;
pub mod run_end;
pub mod run_report;
mod spans;
pub mod spent;
pub mod summary;
pub mod task_lines;
pub mod text;
pub mod theme;
pub mod timeline;
pub mod times;
pub mod trust;
pub mod view;
