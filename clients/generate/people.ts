import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import type { Decision } from "../decision.ts";
import type { StackDocument } from "../stack-document.ts";

/** Who answers for the environment, what it is for, what it may cost and how long records are kept. */
export function writePeople(
  document: StackDocument,
  template: PlatformConfig,
  answers: ForkAnswers,
): Decision[] {
  const { owner, monthlyBudget, retentionDays, purpose, displayName, client, environment } = answers;
  document.set(["client"], client);
  document.set(["environment"], environment);
  for (const key of [
    ["budget", "owner"],
    ["riskClass", "owner"],
    ["oversight", "contact"],
  ])
    document.set(key, owner);
  document.set(["budget", "monthly"], monthlyBudget);
  document.set(["audit", "retentionDays"], retentionDays);
  if (purpose !== undefined) document.set(["riskClass", "intendedPurpose"], purpose);
  const folder = ["observability", "dashboardsFolder"];
  document.set(folder, `LLMOps ${displayName.replace(/[^\w -]/g, "")}`.slice(0, 40).trim());
  document.set(["evaluation", "dataSets"], `evals/clients/${client}`);
  const { alarm } = template.budget;
  const decisions: Decision[] = [
    {
      key: "budget.owner, riskClass.owner, oversight.contact",
      what: `all ${owner}; name others where others answer`,
    },
    {
      key: "riskClass",
      what:
        purpose === undefined
          ? "purpose and answers are the template's: write the client's own, `llmops compliance classify` judges them"
          : "the answers are the template's, `llmops compliance classify` judges them",
    },
    { key: "audit.retentionDays", what: `${retentionDays}: whether the client's law asks for more` },
  ];
  if (alarm.kind === "none") return decisions;
  const billing = answers.cloud === "gcp" ? answers.billingAccount : undefined;
  if (answers.cloud === "gcp" && billing === undefined) {
    document.set(["budget", "alarm"], { kind: "none" });
    return [
      ...decisions,
      { key: "budget.alarm", what: "off: it needs the client's billing account (--billing-account)" },
    ];
  }
  document.set(["budget", "alarm", "emails"], [owner]);
  if (billing === undefined) document.remove(["budget", "alarm", "billingAccount"]);
  else document.set(["budget", "alarm", "billingAccount"], billing);
  return decisions;
}
