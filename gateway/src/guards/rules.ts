import type { RuleConfig } from "../config/schema.ts";
import { denyTopicsDetector } from "./deny-topics.ts";
import type { Detector } from "./finding.ts";
import { injectionDetector } from "./injection.ts";
import type { GuardRule } from "./inspect.ts";
import { piiDetector } from "./pii.ts";
import { secretsDetector } from "./secrets.ts";

function detectorOf(rule: RuleConfig): Detector {
  switch (rule.detector) {
    case "pii":
      return piiDetector;
    case "secrets":
      return secretsDetector;
    case "injection":
      return injectionDetector;
    case "topics":
      return denyTopicsDetector(rule.name, rule.phrases);
  }
}

/** Guard rules of a configuration. */
export function rulesOf(rules: readonly RuleConfig[]): GuardRule[] {
  return rules.map((rule) => ({
    detector: detectorOf(rule),
    action: rule.action,
    kinds: rule.kinds === null ? null : new Set(rule.kinds),
    replacement: rule.replacement,
  }));
}
