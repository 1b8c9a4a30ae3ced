import { z } from "zod";

const email = z.email({ error: "must be an e-mail address" });
const yesNo = z.enum(["yes", "no"]);
const number = z.coerce.number({ error: "must be a number" });

/** Everything that is asked, in the order it is asked; the description is the question. */
export const answersSchema = z.strictObject({
  client: z
    .string()
    .regex(/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/, { error: "must be 1-20 lower-case letters, digits or '-'" })
    .describe("Short name of the client, prefix of every resource"),
  environment: z.enum(["dev", "staging", "prod"]).default("dev").describe("Environment"),
  useCase: z
    .string()
    .min(20, { error: "must be a sentence of at least 20 characters" })
    .describe("What the system is for, in a sentence"),
  cloud: z.enum(["aws", "gcp"]).describe("Cloud"),
  account: z.string().min(6).describe("AWS account id or Google Cloud project id"),
  projectNumber: z
    .string()
    .regex(/^\d{6,}$/, { error: "must be the numeric project number" })
    .optional()
    .describe("Google Cloud project number (empty on AWS)"),
  region: z.string().min(5).describe("Region, for example eu-south-2 or europe-west4"),
  peakUsers: number.pipe(z.int().min(1)).describe("People or programs that use it in the busiest hour"),
  requestsPerUserHour: number.pipe(z.number().gt(0)).default(10).describe("Requests each sends in that hour"),
  inputTokens: number
    .pipe(z.int().min(1).max(24_000))
    .default(1000)
    .describe("Tokens of a usual prompt (a page is about 700)"),
  outputTokens: number.pipe(z.int().min(1).max(8_000)).default(250).describe("Tokens of a usual answer"),
  firstTokenMs: number
    .pipe(z.int().min(50))
    .default(1500)
    .describe("Longest wait for the first word of 95 in 100 answers, ms"),
  wholeAnswerMs: number
    .pipe(z.int().min(100))
    .default(30_000)
    .describe("Longest time of 99 in 100 whole answers, ms"),
  personalData: yesNo.default("yes").describe("Whether prompts may hold personal data"),
  riskClass: z
    .enum(["limited", "high"])
    .describe(
      "Risk class under the AI Act; text for people is at least limited, a prohibited system cannot be configured",
    ),
  annexIII: z
    .string()
    .regex(/^[1-8](\([a-d]\))?$/, { error: "must be a point of Annex III, for example 5(b)" })
    .optional()
    .describe("Point of Annex III for a high-risk system (empty otherwise)"),
  hallucinationPercent: number
    .pipe(z.number().gt(0).lt(50))
    .default(2)
    .describe("Most answers out of a hundred that may be unsupported"),
  availabilityPercent: number
    .pipe(z.number().min(90).lt(100))
    .default(99.9)
    .describe("Calls out of a hundred that must be answered"),
  monthlyBudget: number.pipe(z.number().gt(0)).describe("Most it may cost in a month"),
  currency: z.enum(["EUR", "USD"]).default("EUR").describe("Currency of the budget"),
  owner: email.describe("Who answers for it (e-mail)"),
});

/** Valid answers with defaults filled in. */
export type Answers = z.output<typeof answersSchema>;

/** A question as it is shown. */
export interface Question {
  readonly key: keyof Answers;
  readonly text: string;
  /** What an empty answer means; undefined where an answer is needed. */
  readonly byDefault: string | undefined;
  readonly choices: readonly string[];
}

/** Questions in their order. */
export function questions(): Question[] {
  const keys = Object.keys(answersSchema.shape) as (keyof Answers)[];
  const json = z.toJSONSchema(answersSchema, { io: "input" }).properties ?? {};
  return keys.map((key) => {
    const property = json[key];
    const details = typeof property === "object" ? property : {};
    return {
      key,
      text: details.description ?? key,
      byDefault:
        details.default === undefined ? undefined : JSON.stringify(details.default).replaceAll('"', ""),
      choices: (details.enum ?? []).map(String),
    };
  });
}

/** Answers are missing or wrong; the message names each key, value and reason. */
export class AnswersError extends Error {
  override readonly name = "AnswersError";
}

/**
 * Reads answers.
 * @param source where they are from, for messages
 * @throws AnswersError naming every key that is wrong
 */
export function readAnswers(input: unknown, source: string): Answers {
  const parsed = answersSchema.safeParse(input);
  if (parsed.success) {
    const { cloud, projectNumber, riskClass, annexIII, account, wholeAnswerMs, firstTokenMs } = parsed.data;
    const wrong = [
      ...(cloud === "gcp" && projectNumber === undefined
        ? ["projectNumber: required on Google Cloud, but missing"]
        : []),
      ...(cloud === "aws" && !/^\d{12}$/.test(account)
        ? [`account = ${account}: must be the 12-digit AWS account id`]
        : []),
      ...(riskClass === "high" && annexIII === undefined
        ? ["annexIII: required for a high-risk system, but missing"]
        : []),
      ...(wholeAnswerMs <= firstTokenMs
        ? [`wholeAnswerMs = ${wholeAnswerMs}: must be longer than firstTokenMs (${firstTokenMs})`]
        : []),
    ];
    if (wrong.length > 0) throw new AnswersError(wrong.map((line) => `${source}: ${line}`).join("\n"));
    return parsed.data;
  }
  const given =
    typeof input === "object" && input !== null ? (input as Readonly<Record<string, unknown>>) : {};
  const lines = parsed.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map(
        (key) =>
          `${key}: there is no such question; questions: ${Object.keys(answersSchema.shape).join(", ")}`,
      );
    const key = String(issue.path[0] ?? "");
    return given[key] === undefined
      ? [`${key}: required, but missing (${answersSchema.shape[key as keyof Answers].description ?? ""})`]
      : [`${key} = ${JSON.stringify(given[key])}: ${issue.message}`];
  });
  throw new AnswersError(lines.map((line) => `${source}: ${line}`).join("\n"));
}
