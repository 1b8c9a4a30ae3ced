import { describe, expect, it } from "vitest";
import { CASES } from "../contract/cases.ts";
import { runSubject } from "../contract/run.ts";
import { blueprint, litellm, portkey } from "../contract/subject.ts";

const quiet = (): void => undefined;

/** Names of the promises a gateway does not keep. */
async function broken(subject: typeof blueprint): Promise<string[]> {
  const { results } = await runSubject(subject, quiet);
  expect(results).toHaveLength(CASES.length);
  return CASES.filter((_case, at) => results[at]?.result === "fails").map(({ name }) => name);
}

describe("the gateway contract", () => {
  it("is kept in full by this project's gateway", async () => {
    expect(await broken(blueprint)).toEqual([]);
  });

  it("can be broken: Portkey's gateway streams what its guard forbids and records nothing", async () => {
    expect(await broken(portkey)).toEqual(
      expect.arrayContaining([
        "in a streamed answer",
        "a record is on disk before the engine is asked, and survives kill -9",
      ]),
    );
  });

  it("can be broken: LiteLLM without a database lets encoded text through and records nothing", async () => {
    expect(await broken(litellm)).toEqual(
      expect.arrayContaining([
        "in base64",
        "a record is on disk before the engine is asked, and survives kill -9",
      ]),
    );
  });
});
