import { isAlert, type AlertRule, type RecordingRule, type RuleGroup } from "../../monitoring/rule.ts";
import { selectorsOf } from "../../reporting/selectors.ts";

/** Names of the series that a rule reads. */
function seriesOf({ expr }: AlertRule | RecordingRule): string[] {
  return selectorsOf(expr).map((selector) => {
    const [name = ""] = selector.split("{");
    if (name === "") throw new Error(`${selector} names no series, so nobody knows which rules it reads`);
    return name.trim();
  });
}

/**
 * An alert and the rules it reads, through however many others, in their groups and their order: all that decides whether it fires.
 * @throws Error when no group has the alert, or an expression of it selects series by something else than their name
 */
export function readBy(groups: readonly RuleGroup[], name: string): RuleGroup[] {
  const rules = groups.flatMap((group) => group.rules);
  const alert = rules.filter(isAlert).find((rule) => rule.alert === name);
  if (alert === undefined) throw new Error(`there is no alert ${name}`);
  const read = new Set<AlertRule | RecordingRule>([alert]);
  // A set hands out what is added to it on the way.
  for (const reader of read)
    for (const series of seriesOf(reader))
      for (const rule of rules) if (!isAlert(rule) && rule.record === series) read.add(rule);
  return groups
    .map((group) => ({ ...group, rules: group.rules.filter((rule) => read.has(rule)) }))
    .filter((group) => group.rules.length > 0);
}
