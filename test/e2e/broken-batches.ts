import { isDeepStrictEqual } from "node:util";
import { CATALOGUE } from "../../policies/catalogue.ts";
import { blocking, type Finding } from "../../policies/report.ts";
import { judged, NOW, type Circumstances, type Environment, type Planned } from "../policy/environments.ts";
import { MUTATIONS, type Mutation } from "../policy/mutations.ts";

/** What stops a deployment, as far as a policy pack says it. */
export type Stopping = Pick<Finding, "control" | "message">;

/**
 * Broken settings of an environment in one preview. It is refused for exactly what each of them is refused for alone, and no two
 * for the same, so that none can hide behind another.
 */
export interface Batch {
  readonly environment: Environment;
  readonly broken: readonly Mutation[];
  readonly circumstances: Circumstances;
  /** What must stop it, sorted. */
  readonly stopping: readonly Stopping[];
}

/** Broken settings of which the engine is asked about some. */
interface Question {
  readonly candidates: readonly Mutation[];
  /** How many of them. */
  readonly count: number;
}

/** Findings by control and message. */
export function sorted(findings: readonly Stopping[]): Stopping[] {
  const key = ({ control, message }: Stopping): string => `${control} ${message}`;
  return findings
    .map(({ control, message }) => ({ control, message }))
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function inOrder<T>(changes: readonly (((value: T) => T) | undefined)[]): (value: T) => T {
  return (value) => changes.reduce((before, change) => change?.(before) ?? before, value);
}

function together(broken: readonly [Mutation, ...Mutation[]]): Circumstances {
  return {
    change: inOrder(broken.map(({ change }) => change)),
    configure: inOrder(broken.map(({ configure }) => configure)),
    asOf: broken[0].asOf ?? NOW,
  };
}

function batchOf(planned: Planned, broken: readonly [Mutation, ...Mutation[]]): Batch {
  const circumstances = together(broken);
  return {
    environment: broken[0].environment,
    broken,
    circumstances,
    stopping: sorted(blocking(judged(planned, circumstances))),
  };
}

/** A batch with one more broken setting, or undefined when they disturb each other or one could hide behind another. */
function joined(planned: Planned, batch: Batch, one: Batch): Batch | undefined {
  if (batch.environment !== one.environment || batch.circumstances.asOf !== one.circumstances.asOf)
    return undefined;
  const both = sorted([...batch.stopping, ...one.stopping]);
  if (both.some((each, index) => isDeepStrictEqual(each, both[index + 1]))) return undefined;
  let wider: Batch;
  try {
    wider = batchOf(planned, [...batch.broken, ...one.broken] as [Mutation, ...Mutation[]]);
  } catch {
    // What one of them changes, the other has removed.
    return undefined;
  }
  return isDeepStrictEqual(wider.stopping, both) ? wider : undefined;
}

// `retainOnDelete` is not part of what the engine tells a pack; `llmops plan` sees it.
const VISIBLE = MUTATIONS.filter(({ what }) => what !== "not retained");

/** One wrong setting for each control and platform, and two unknown ones for each platform. */
const QUESTIONS: readonly Question[] = [
  ...CATALOGUE.flatMap(({ id, platforms }) =>
    platforms.map((platform) => ({
      candidates: VISIBLE.filter(
        (each) => each.kind === "fail" && each.platform === platform && each.controls.includes(id),
      ),
      count: 1,
    })),
  ),
  ...(["aws", "gcp", "kubernetes", "configuration"] as const).map((platform) => ({
    candidates: VISIBLE.filter((each) => each.kind === "unknown" && each.platform === platform),
    count: 2,
  })),
];

/** Broken settings for every question in few previews, as far as the same judgement in this process can tell them apart. */
export function brokenBatches(plans: ReadonlyMap<Environment, Planned>): Batch[] {
  const batches: Batch[] = [];
  const planned = ({ environment }: Mutation): Planned => {
    const found = plans.get(environment);
    if (found === undefined) throw new Error(`${environment} is not planned`);
    return found;
  };
  /** Puts one of the candidates into a batch, or the first into one of its own. */
  const place = (candidates: readonly [Mutation, ...Mutation[]]): Mutation => {
    for (const candidate of candidates) {
      const one = batchOf(planned(candidate), [candidate]);
      for (const [at, batch] of batches.entries()) {
        const wider = joined(planned(candidate), batch, one);
        if (wider === undefined) continue;
        batches[at] = wider;
        return candidate;
      }
    }
    batches.push(batchOf(planned(candidates[0]), [candidates[0]]));
    return candidates[0];
  };
  const chosen = new Set<Mutation>();
  for (const { candidates, count } of QUESTIONS) {
    let missing = count - candidates.filter((each) => chosen.has(each)).length;
    for (; missing > 0; missing -= 1) {
      const [first, ...others] = candidates.filter((each) => !chosen.has(each));
      if (first !== undefined) chosen.add(place([first, ...others]));
    }
  }
  return batches;
}
