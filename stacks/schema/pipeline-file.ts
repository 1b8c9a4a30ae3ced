import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { z } from "zod";
import { checkPipeline, durationSeconds } from "../../monitoring/checks.ts";
import { pipeline, type Pipeline } from "../../monitoring/schema.ts";
import { toProblems } from "./issue.ts";
import { formatPath, showValue, valueAt, type ConfigProblem } from "./problem.ts";
import { YamlSource, toKeys, type LocatedProblem } from "./yaml-source.ts";

/** Folder the path of a pipeline file starts at: the root of the repository. */
const ROOT = join(import.meta.dirname, "..", "..");

/** The file every environment uses unless its stack file names another. */
export const DEFAULT_PIPELINE = "monitoring/llm-pipeline.yaml";

/** Result of reading: a pipeline with defaults, or every problem found with its place. */
export type PipelineResult =
  | { readonly kind: "valid"; readonly pipeline: Pipeline }
  | { readonly kind: "invalid"; readonly problems: readonly LocatedProblem[] };

function problemsOf(content: unknown): ConfigProblem[] {
  const parsed = pipeline.safeParse(content);
  if (!parsed.success) return parsed.error.issues.flatMap((issue) => toProblems(issue, content, pipeline));
  return checkPipeline(parsed.data).map(({ path, reason, fix }) => ({
    path: formatPath(path),
    value: showValue(valueAt(parsed.data, path)),
    reason,
    fix,
  }));
}

/** Parses the text of a declarative pipeline file. */
export function parsePipelineText(text: string, file: string): PipelineResult {
  const source = new YamlSource(text, file);
  if (source.syntax.length > 0) return { kind: "invalid", problems: source.syntax };
  const { content } = source;
  const problems = problemsOf(content).map((problem) => ({
    file,
    ...source.placeOf(toKeys(problem.path)),
    ...problem,
  }));
  return problems.length > 0
    ? { kind: "invalid", problems }
    : { kind: "valid", pipeline: pipeline.parse(content) };
}

/** Reads a declarative pipeline file by its path from the root of the repository, or an absolute one. */
export function readPipeline(path: string): PipelineResult {
  const file = path.startsWith("/") ? path : join(ROOT, path);
  const shown = relative(process.cwd(), file);
  try {
    return parsePipelineText(readFileSync(file, "utf8"), shown);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return {
      kind: "invalid",
      problems: [
        {
          file: shown,
          line: 1,
          column: 1,
          path: "",
          value: "(missing)",
          reason: `the file cannot be read (${String(error.code)})`,
          fix: `write it, or set observability.pipeline in the stack file; the default is ${DEFAULT_PIPELINE}`,
        },
      ],
    };
  }
}

/** Days of metrics the rules of a pipeline look back on. */
function daysNeeded({ slos, drift }: Pipeline): number {
  const reference = durationSeconds(drift.reference.range) + durationSeconds(drift.reference.offset);
  return Math.max(slos.availability.windowDays, Math.ceil(reference / 86_400));
}

/** What is wrong with an environment's retention of metrics for its pipeline. */
export function retentionProblems(retentionDays: number, file: Pipeline): ConfigProblem[] {
  const needed = daysNeeded(file);
  return retentionDays >= needed
    ? []
    : [
        {
          path: "observability.metricsRetentionDays",
          value: showValue(retentionDays),
          reason: `the pipeline file looks back ${needed} days, on metrics that are gone after ${retentionDays}`,
          fix: `set it to ${needed} or more, or shorten slos.availability.windowDays and drift.reference in the pipeline file`,
        },
      ];
}

/** JSON Schema of the declarative file, for completion and validation in editors. */
export function pipelineJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(pipeline, { io: "input", target: "draft-2020-12" }), title: "LLM pipeline" };
}
