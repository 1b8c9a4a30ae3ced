import module from "node:module";

// Before anything is loaded: a fleet starts many of these.
module.enableCompileCache();
const { outcomeOf } = await import("./stack-outcome.ts");

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [folder = "", asOf = "", ...stacks] = process.argv.slice(2);
for (const stack of stacks) say(await outcomeOf(folder, stack, asOf));
say({ kind: "done", rssMiB: Math.ceil(process.resourceUsage().maxRSS / 1024) });
