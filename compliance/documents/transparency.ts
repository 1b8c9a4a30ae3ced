import { control, item, table, type ComplianceDocument, type Facts } from "../bundle.ts";

/** Notices of Art. 50 and the deployers' page about logs of Art. 13(3)(f). */
export function transparencyDocument(facts: Facts): ComplianceDocument {
  const { config } = facts;
  const { disclosure, marking } = config.transparency;
  const said =
    disclosure.kind === "notice"
      ? `Notice (${disclosure.language}): "${disclosure.text}"`
      : disclosure.kind === "obvious"
        ? `No notice, because it is obvious: ${disclosure.justification}`
        : "No notice is configured";
  return {
    name: "04-transparency",
    title: "Transparency: people, machines and deployers",
    markdown: [
      "## People (Art. 50(1), in force since 2 August 2026)",
      "",
      item("declared", said),
      control(facts, "AIA-TRN-01"),
      "- The gateway sends the notice with every answer in the header `x-ai-interaction`; the application shows it at the latest at the first interaction (Art. 50(5)), clear and accessible.",
      "",
      "## Machines (Art. 50(2))",
      "",
      item("declared", `Marking: ${marking}`),
      control(facts, "AIA-TRN-02"),
      "- Every generated answer carries `ai-disclosure: mode=ai-originated, model=...`. The form follows an expired individual Internet-Draft, not a standard. Text copied out of the answer loses the mark: an application that publishes it must mark it again.",
      "",
      "## Deployers: collecting, storing and reading the logs (Art. 13(3)(f))",
      "",
      table(
        ["Question", "Answer"],
        [
          [
            "What is recorded",
            "start and end of each call, client, purpose, model asked and served, prompt version, guard verdicts, reviewer, tokens, cost, keyed digests of question and answer; no content unless it is configured",
          ],
          ["Where", `the audit store of the stack (${config.audit.objectLock} lock)`],
          [
            "How long",
            `${config.audit.retentionDays} days; Art. 19(1) and 26(6) ask for at least six months`,
          ],
          ["Reading", "`npx llmops audit search <bucket> --from ... --to ...`"],
          ["Proof that nothing is missing", "`npx llmops audit verify <bucket> --key <public key>`"],
          [
            "Handing over to an authority (Art. 21(2))",
            "`npx llmops audit export <bucket> --from ... --to ... --out <file>`",
          ],
          [
            "A person's request for erasure",
            "`npx llmops audit erase --tenant ... --subject ...`, where content is kept",
          ],
        ],
      ),
    ].join("\n"),
  };
}
