#!/usr/bin/env node
// Starts the program that the package for this platform holds.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const name = `@seqorch/${process.platform}-${process.arch}`;
let program;
try {
    program = require.resolve(`${name}/bin/seqorch`);
} catch {
    console.error(`seqorch: the package ${name} is not installed.`);
    console.error("npm leaves it out with --omit=optional, and there is none for other platforms than Linux and macOS.");
    console.error("Install again without --omit=optional, or build seqorch with cargo: cargo install seqorch");
    process.exit(69);
}

const args = process.argv.slice(2);
if (process.execve) {
    // this process becomes the program, which then gets all signals itself
    process.execve(program, [program, ...args], process.env);
}

const child = spawn(program, args, { stdio: "inherit" });
// the terminal sends INT to both; a second one would mean "stop now"
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
    console.error(`seqorch: cannot start ${program}: ${error.message}`);
    process.exit(69);
});
child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
