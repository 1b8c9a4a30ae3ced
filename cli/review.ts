import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { commentOf, type ReviewInput } from "../review/comment.ts";
import { differenceOf, stops, unknownStops } from "../review/difference.ts";
import { postComment, targetOf } from "../review/post.ts";
import { SnapshotError, snapshotOf, type Snapshot } from "../review/snapshot.ts";
import { UnknownStackError } from "../stacks/schema/stack-file.ts";
import { asOfOption, EXIT, print, printJson, progress } from "./context.ts";
import { Checkout } from "./checkout.ts";
import { git } from "./git.ts";

interface ReviewOptions {
  readonly base: string;
  readonly head?: string;
  readonly stack?: readonly string[];
  readonly costApproved?: true;
  readonly lossApproved?: true;
  readonly asOf: string;
  readonly out?: string;
  readonly post?: "github" | "gitlab";
  readonly json?: true;
}

type Attempt =
  | { readonly kind: "planned"; readonly snapshot: Snapshot }
  | { readonly kind: "failed"; readonly reason: string };

/** Plans a stack with the code of a commit. */
function attempt(checkout: Checkout, stack: string, asOf: string): Attempt {
  const { stdout, said } = checkout.plan(stack, asOf);
  try {
    return { kind: "planned", snapshot: snapshotOf(stdout) };
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    return { kind: "failed", reason: said === "" ? error.message : said };
  }
}

function snapshots(
  checkout: Checkout,
  wanted: readonly string[] | undefined,
  asOf: string,
  what: string,
): Map<string, Attempt> {
  const names = checkout.stacks().filter((name) => wanted?.includes(name) ?? true);
  return new Map(
    names.map((name) => {
      progress(`planning ${name} at ${what} ...`);
      return [name, attempt(checkout, name, asOf)];
    }),
  );
}

function compare(options: ReviewOptions): ReviewInput {
  const { base, head, stack, asOf, costApproved, lossApproved } = options;
  const [before, after] = [
    new Checkout(git("rev-parse", "--verify", `${base}^{commit}`)),
    new Checkout(head),
  ];
  try {
    const old = snapshots(before, stack, asOf, base);
    const now = snapshots(after, stack, asOf, head ?? "the working tree");
    const names = [...new Set([...old.keys(), ...now.keys()])].sort();
    const strange = (stack ?? []).filter((name) => !names.includes(name));
    if (strange.length > 0)
      throw new UnknownStackError(
        `--stack ${strange.join(", ")}: there is no such stack at either commit; stacks: ${after.stacks().join(", ")}`,
      );
    const planned = (attempt: Attempt | undefined): Snapshot | undefined =>
      attempt?.kind === "planned" ? attempt.snapshot : undefined;
    const differences = names.map((name) => differenceOf(planned(old.get(name)), planned(now.get(name))));
    const failures = [...now].flatMap(([name, attempt]) =>
      attempt.kind === "failed" ? [`${name}: it cannot be planned: ${attempt.reason}`] : [],
    );
    const approvals = {
      cost: costApproved === true ? "given" : "none",
      loss: lossApproved === true ? "given" : "none",
    } as const;
    const unknownBase = [...old].flatMap(([name, attempt]) =>
      attempt.kind === "failed" ? [{ stack: name, reason: attempt.reason }] : [],
    );
    return {
      base,
      head: head ?? "working tree",
      differences,
      unknownBase,
      stops: [
        ...failures,
        // A stack that goes as a whole loses nothing by mistake.
        ...unknownBase.flatMap((each) => (now.has(each.stack) ? unknownStops(each, approvals) : [])),
        ...differences.flatMap((difference) => stops(difference, approvals)),
      ],
      asOf,
    };
  } finally {
    before.remove();
    after.remove();
  }
}

async function run(options: ReviewOptions): Promise<void> {
  const target = options.post === undefined ? undefined : targetOf(options.post, process.env);
  const review = compare(options);
  const comment = commentOf(review);
  if (options.out !== undefined) writeFileSync(options.out, comment);
  if (options.json === true) printJson(review);
  else if (options.out === undefined) print(comment);
  if (target !== undefined) progress(`${await postComment(target, comment)} the comment`);
  if (review.stops.length > 0) process.exitCode = EXIT.findings;
}

/** `llmops review`: what a change would deploy, cost and violate, for the pull request. */
export function reviewCommand(): Command {
  return new Command("review")
    .description(
      "compare every stack at two commits: resources, cost, controls; exit code 1 when it may not be merged",
    )
    .requiredOption("--base <ref>", "commit to compare with, for example origin/main")
    .option("--head <ref>", "commit to review (default: the working tree)")
    .option("-s, --stack <stack...>", "only these stacks")
    .option("--cost-approved", "somebody who may has approved the rise of the ceiling")
    .option("--loss-approved", "somebody who may has approved the deletion of data, keys or clusters")
    .addOption(asOfOption())
    .option("--out <file>", "write the comment there instead of printing it")
    .addOption(
      new Option("--post <system>", "post it, or replace the comment of an earlier run").choices([
        "github",
        "gitlab",
      ]),
    )
    .option("--json", "print JSON")
    .action(run);
}
