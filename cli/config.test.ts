import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stackFile } from "../stacks/schema/stack-file.ts";
import { STACKS_FOLDER } from "./context.ts";
import { run } from "./testing/run.ts";

const PAGERDUTY = "{ kind: pagerduty, routingKey: { name: alerting, key: pagerduty } }";
const OPSGENIE = "{ kind: opsgenie, apiKey: { name: alerting, key: opsgenie } }";
let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "llmops-config-"));
  file = join(folder, "Pulumi.acme-prod.yaml");
  const text = readFileSync(stackFile(STACKS_FOLDER, "acme-prod"), "utf8").replace(PAGERDUTY, OPSGENIE);
  writeFileSync(file, text);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("llmops config check of a stack that pages through Opsgenie", () => {
  it.each([
    [
      "2027-04-04",
      0,
      'warning: alerting.receivers[0].kind = "opsgenie": Atlassian ends Opsgenie on 2027-04-05; no alert reaches anybody through it from then on; use a receiver of kind pagerduty, slack or webhook',
    ],
    [
      "2027-04-05",
      1,
      'error: alerting.receivers[0].kind = "opsgenie": Atlassian ended Opsgenie on 2027-04-05; no alert reaches anybody through it; use a receiver of kind pagerduty, slack or webhook',
    ],
  ])("on %s ends with %i", async (day, code, line) => {
    expect(await run(["config", "check", "--file", file, "--as-of", day])).toEqual({
      code,
      out: `${file}: valid\n  ${line}\n`,
      err: "",
    });
  });

  it("says so in JSON, and says nothing of a stack without it", async () => {
    const { out } = await run(["config", "check", "--file", file, "--as-of", "2027-01-01", "--json"]);
    expect(JSON.parse(out)).toEqual([
      {
        target: file,
        status: "valid",
        endings: [
          {
            path: "alerting.receivers[0].kind",
            value: '"opsgenie"',
            reason: "Atlassian ends Opsgenie on 2027-04-05; no alert reaches anybody through it from then on",
            fix: "use a receiver of kind pagerduty, slack or webhook",
            end: "2027-04-05",
            state: "announced",
          },
        ],
      },
    ]);
    const plain = await run(["config", "check", "--stack", "acme-prod", "--as-of", "2030-01-01"]);
    expect(plain).toEqual({ code: 0, out: "acme-prod: valid\n", err: "" });
  });
});
