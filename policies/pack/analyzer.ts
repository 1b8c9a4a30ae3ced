import { policyOf } from "../../plan/policy.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import { CONFIG_KEY, formatProblems } from "../../stacks/schema/stack-file.ts";
import type { ResourceGraph } from "../../graph/graph.ts";
import { NEVER_EXEMPT } from "../catalogue.ts";
import { profileOf } from "../controls/control.ts";
import type { EnforcementLevel, Finding } from "../report.ts";
import { policyName, type Pack } from "./packs.ts";

/** Level a `--policy-pack-config` file gives a policy. */
export type ConfiguredLevel = EnforcementLevel | "remediate" | "disabled";

/** One message to the engine. */
export interface Diagnostic {
  readonly policy: string;
  readonly level: EnforcementLevel;
  readonly urn: string;
  readonly message: string;
}

/** What a pack concluded about a stack. */
export interface Analysis {
  readonly diagnostics: readonly Diagnostic[];
  readonly notApplicable: readonly { readonly policy: string; readonly reason: string }[];
}

/** Policy under which exemptions and declarations themselves are reported. */
export const EXEMPTIONS_POLICY = "exemptions";

/** A stack cannot be judged at all; the engine then stops. */
export class PackError extends Error {
  override readonly name = "PackError";
}

/**
 * Configuration of the stack as the engine passes it to the pack.
 * @throws PackError when it is missing or not valid: a pack that knows nothing about the stack judges nothing
 */
export function configOf(values: ReadonlyMap<string, string>, stack: string): PlatformConfig {
  const text = values.get(CONFIG_KEY);
  if (text === undefined)
    throw new PackError(`stack '${stack}' has no configuration '${CONFIG_KEY}', so no control can be judged`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PackError(`the configuration '${CONFIG_KEY}' of stack '${stack}' is not an object`);
  }
  const parsed = parsePlatform(value);
  if (parsed.kind === "valid") return parsed.config;
  const file = `stacks/Pulumi.${stack}.yaml`;
  throw new PackError(
    formatProblems(parsed.problems.map((problem) => ({ file, line: 1, column: 1, ...problem }))),
  );
}

function levelOf(
  finding: Finding,
  levels: ReadonlyMap<string, ConfiguredLevel>,
  isFixed: (control: string) => boolean,
): EnforcementLevel | undefined {
  const level = levels.get(policyName(finding.control));
  if (level === undefined || isFixed(finding.control)) return finding.level;
  if (level === "disabled") return undefined;
  return level === "remediate" ? "mandatory" : level;
}

/**
 * Judges a stack with the controls of a pack.
 * @param levels levels from `--policy-pack-config`; they do not touch controls that are never exempt in high-risk production
 */
export function analyze(
  pack: Pack,
  graph: ResourceGraph,
  config: PlatformConfig,
  asOf: string,
  levels: ReadonlyMap<string, ConfiguredLevel> = new Map(),
): Analysis {
  const report = policyOf({ graph, config, asOf, controls: pack.controls });
  const root = graph.nodes.find(({ type }) => type === "pulumi:pulumi:Stack")?.urn ?? "";
  const urns = new Set(graph.nodes.map(({ urn }) => urn));
  const profile = profileOf({ riskClass: config.riskClass.level, environment: config.environment });
  const isFixed = (control: string): boolean => profile === "high-prod" && NEVER_EXEMPT.has(control);
  const findings = report.results.flatMap((result) =>
    result.findings.flatMap((finding): Diagnostic[] => {
      const { exemption } = finding;
      const level = exemption === undefined ? levelOf(finding, levels, isFixed) : "advisory";
      if (level === undefined) return [];
      const mark = exemption === undefined ? "" : `[EXEMPT ${exemption.id} until ${exemption.expires}] `;
      return [
        {
          policy: policyName(finding.control),
          level,
          urn: urns.has(finding.resource) ? finding.resource : root,
          message: `${mark}${finding.control} ${result.title}: ${finding.message}. ${finding.remediation}`,
        },
      ];
    }),
  );
  const exemptions = report.exemptionFindings.map((finding): Diagnostic => ({
    policy: EXEMPTIONS_POLICY,
    level: finding.level,
    urn: root,
    message: `${finding.control}: ${finding.message}. ${finding.remediation}`,
  }));
  return {
    diagnostics: [...findings, ...exemptions],
    notApplicable: report.results
      .filter(({ status }) => status === "not-applicable")
      .map(({ control, reason }) => ({ policy: policyName(control), reason: reason ?? "" })),
  };
}
