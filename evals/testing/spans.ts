import type { ReadSpan } from "../online/sample.ts";

/** Trace that is in every share but none: its last 56 bits are about half of the largest. */
export const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

/** A message in the form of the semantic conventions. */
export function message(role: string, content: string): object {
  return { role, parts: [{ type: "text", content }] };
}

/** A span of an answered question whose person agreed that it is looked at; changed attributes, undefined removes one. */
export function answeredSpan(
  change: Readonly<Record<string, string | undefined>> = {},
  traceId = TRACE,
): ReadSpan {
  const values: Record<string, string | undefined> = {
    "llmops.evaluation.consent": "granted",
    "llmops.evaluation.context": "Opening hours: nine to five. Ask ana@example.com.",
    "gen_ai.request.model": "claims",
    "gen_ai.input.messages": JSON.stringify([
      message("system", "You are the assistant of Eva."),
      message("user", "An older question."),
      message("user", "When do you open? My IBAN is ES9121000418450200051332."),
    ]),
    "gen_ai.output.messages": JSON.stringify([message("assistant", "At nine.")]),
    ...change,
  };
  return {
    traceId,
    attributes: Object.entries(values).flatMap(([key, stringValue]) =>
      stringValue === undefined ? [] : [{ key, value: { stringValue } }],
    ),
  };
}

/** A span of a question. */
export function asked(question: string, change: Readonly<Record<string, string | undefined>> = {}): ReadSpan {
  return answeredSpan({ "gen_ai.input.messages": JSON.stringify([message("user", question)]), ...change });
}
