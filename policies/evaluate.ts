import type { ResourceGraph } from "../graph/graph.ts";
import { CATALOGUE, LEGAL_BASELINE, NEVER_EXEMPT } from "./catalogue.ts";
import {
  profileOf,
  type Control,
  type ControlContext,
  type Demand,
  type Platform,
  type Problem,
} from "./controls/control.ts";
import type {
  AppliedExemption,
  Attestation,
  ControlResult,
  EnforcementLevel,
  Finding,
  PolicyReport,
} from "./report.ts";

/** A deviation somebody accepted, as configured. */
export interface Exemption {
  readonly id: string;
  readonly control: string;
  /** URN, or the logical name at its end. */
  readonly resource: string;
  readonly reason: string;
  readonly approvedBy: string;
  readonly ticket: string;
  /** ISO date. */
  readonly created: string;
  /** ISO date, the last day it holds. */
  readonly expires: string;
}

/** What is evaluated. */
export interface EvaluationInput {
  readonly graph: ResourceGraph;
  readonly context: ControlContext;
  readonly exemptions: readonly Exemption[];
  readonly attestations: readonly Attestation[];
  /** Controls to evaluate. @default the whole catalogue */
  readonly controls?: readonly Control[];
  /** Platforms the graph does not show; controls that look at one of them are not evaluated. @default none */
  readonly unseen?: ReadonlySet<Platform>;
  /** ISO time; an exemption holds until the end of its last day, UTC. */
  readonly asOf: string;
}

function matches(exemption: Exemption, control: string, resource: string): boolean {
  const name = resource.split("::").at(-1);
  return exemption.control === control && (exemption.resource === resource || exemption.resource === name);
}

function isActive({ created, expires }: Exemption, asOf: string): boolean {
  const day = asOf.slice(0, 10);
  return created <= day && day <= expires;
}

function applied({ id, reason, approvedBy, ticket, expires }: Exemption): AppliedExemption {
  return { id, reason, approvedBy, ticket, expires };
}

function findingOf(
  control: Control,
  level: EnforcementLevel,
  problem: Problem,
  exemption: Exemption | undefined,
): Finding {
  const name = problem.resource.split("::").at(-1) ?? problem.resource;
  const where = problem.property === undefined ? name : `${name}, ${problem.property}`;
  return {
    control: control.id,
    level,
    ...problem,
    message: `${where}: ${problem.observed}; expected ${problem.expected}`,
    remediation: control.remediation,
    ...(exemption === undefined ? {} : { exemption: applied(exemption) }),
  };
}

const DAY_MS = 86_400_000;

/** A declaration that meets a demand, or what is wrong with it. */
function judge(
  control: string,
  { subject, what, maxAgeDays }: Demand,
  attestations: readonly Attestation[],
  asOf: string,
): { readonly attestation: Attestation } | { readonly problem: Problem } {
  const expected = `${what}, declared within the last ${maxAgeDays} days`;
  const base = { resource: "stack", property: `attestations ${control} ${subject}`, expected };
  const found = attestations.find((each) => each.control === control && each.subject === subject);
  if (found === undefined)
    return { problem: { ...base, status: "unknown", observed: "nobody has declared it" } };
  const day = asOf.slice(0, 10);
  const age = (Date.parse(day) - Date.parse(found.date)) / DAY_MS;
  if (found.date > day)
    return { problem: { ...base, status: "fail", observed: `dated ${found.date}, in the future` } };
  if (found.expires < day)
    return { problem: { ...base, status: "fail", observed: `declared, but ran out on ${found.expires}` } };
  if (age > maxAgeDays)
    return { problem: { ...base, status: "fail", observed: `declared on ${found.date}, ${age} days ago` } };
  return { attestation: found };
}

function statusOf(findings: readonly Finding[], isDeclared: boolean): ControlResult["status"] {
  const counting = findings.filter(({ exemption }) => exemption === undefined);
  if (counting.some(({ status }) => status === "fail")) return "fail";
  if (counting.length > 0) return "unknown";
  if (findings.length > 0) return "exempt";
  return isDeclared ? "attested" : "pass";
}

function resultOf(control: Control, input: EvaluationInput): ControlResult {
  const { graph, context, exemptions, asOf } = input;
  const profile = profileOf(context);
  const level = control.levels[profile];
  const base = {
    control: control.id,
    title: control.title,
    severity: control.severity,
    level: level === "off" ? ("advisory" as const) : level,
    legal: control.legal.map(({ reference }) => reference),
    appliesFrom: control.legal.map(({ appliesFrom }) => appliesFrom).sort()[0] ?? "",
    checked: [],
    findings: [],
    attestations: [],
  };
  if (level === "off")
    return { ...base, status: "not-applicable", reason: `not asked for in profile ${profile}` };
  const unseen = control.platforms.filter((platform) => input.unseen?.has(platform) === true);
  if (unseen.length > 0)
    return {
      ...base,
      status: "not-applicable",
      reason: `not checked: what was read does not show ${unseen.join(", ")}`,
    };
  const observation = control.evaluate(graph, context);
  if (observation.kind === "not-applicable")
    return { ...base, status: "not-applicable", reason: observation.reason };
  const exemptible = profile !== "high-prod" || !NEVER_EXEMPT.has(control.id);
  const judged = (observation.demands ?? []).map((demand) =>
    judge(control.id, demand, input.attestations, asOf),
  );
  const attestations = judged.flatMap((each) => ("attestation" in each ? [each.attestation] : []));
  const problems = [
    ...observation.problems,
    ...judged.flatMap((each) => ("problem" in each ? [each.problem] : [])),
  ];
  const findings = problems.map((problem) =>
    findingOf(
      control,
      level,
      problem,
      exemptible
        ? exemptions.find((each) => matches(each, control.id, problem.resource) && isActive(each, asOf))
        : undefined,
    ),
  );
  return {
    ...base,
    status: statusOf(findings, attestations.length > 0),
    checked: observation.resources,
    findings,
    attestations,
    reason: control.blindSpots,
  };
}

/** What is wrong with an exemption itself; undefined for one that is in use. */
function faultOf(
  exemption: Exemption,
  results: readonly ControlResult[],
  input: EvaluationInput,
): string | undefined {
  if (!CATALOGUE.some(({ id }) => id === exemption.control))
    return `there is no control ${exemption.control}`;
  if (profileOf(input.context) === "high-prod" && NEVER_EXEMPT.has(exemption.control))
    return `${exemption.control} has no exemption in high-risk production`;
  if (!isActive(exemption, input.asOf))
    return `it holds from ${exemption.created} to ${exemption.expires} only`;
  const used = results.some(({ findings }) =>
    findings.some((finding) => finding.exemption?.id === exemption.id),
  );
  return used ? undefined : "nothing needs it any more";
}

/** Evaluates the whole catalogue on one stack. */
export function evaluate(input: EvaluationInput): PolicyReport {
  const { graph, context, exemptions, asOf } = input;
  const controls = input.controls ?? CATALOGUE;
  const results = controls.map((control) => resultOf(control, input));
  const isOurs = (id: string): boolean =>
    controls.some((control) => control.id === id) || !CATALOGUE.some((control) => control.id === id);
  const strangers = input.attestations
    .filter(({ control }) => !CATALOGUE.some(({ id }) => id === control))
    .map((attestation): Finding => ({
      control: attestation.control,
      status: "fail",
      level: "mandatory",
      resource: "stack",
      property: `attestations ${attestation.control} ${attestation.subject}`,
      observed: `there is no control ${attestation.control}`,
      expected: "the id of a control",
      message: `attestation for ${attestation.control}: there is no such control`,
      remediation: "Correct the id; `llmops policy list` prints them.",
    }));
  const exemptionFindings = exemptions
    .filter(({ control }) => isOurs(control))
    .flatMap((exemption): Finding[] => {
      const fault = faultOf(exemption, results, input);
      if (fault === undefined) return [];
      return [
        {
          control: exemption.control,
          status: "fail",
          level: "mandatory",
          resource: exemption.resource,
          property: `exemptions ${exemption.id}`,
          observed: fault,
          expected: "an exemption that holds now and is needed",
          message: `exemption ${exemption.id}: ${fault}`,
          remediation: "Remove it, or renew it in a pull request.",
        },
      ];
    });
  return {
    project: graph.project,
    stack: graph.stack,
    asOf,
    legalBaseline: LEGAL_BASELINE,
    riskClass: context.riskClass,
    environment: context.environment,
    results,
    exemptionFindings: [...strangers, ...exemptionFindings],
  };
}
