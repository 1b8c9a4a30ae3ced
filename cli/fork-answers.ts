import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { allocate, networksOf, PRIVATE_SPACE } from "../clients/address-space.ts";
import { forkAnswers, type ForkAnswers } from "../clients/answers.ts";
import { ForkError } from "../clients/fork-error.ts";
import { AWS_PREFIX, GCP_PREFIXES } from "../clients/generate/cloud.ts";
import { cloudOf, type Template } from "../clients/generate/stack-file.ts";
import { checkRegion, zonesOf } from "../clients/regions.ts";
import type { ClientStack } from "../clients/repository.ts";

/** What was given on the command line or answered on the terminal. */
export interface Given {
  readonly client?: string;
  readonly from?: string;
  readonly env?: string;
  readonly cloud?: "aws" | "gcp";
  readonly region?: string;
  readonly zones?: readonly string[];
  readonly account?: string;
  readonly project?: string;
  readonly projectNumber?: string;
  readonly billingAccount?: string;
  readonly owner?: string;
  readonly registry?: string;
  readonly name?: string;
  readonly purpose?: string;
  readonly budget?: number;
  readonly retentionDays?: number;
  readonly gpu?: readonly string[];
  readonly systemNodes?: string;
  readonly network?: string;
}

/** Something only a person can answer. */
export interface Question {
  readonly key: keyof Given;
  readonly flag: string;
  readonly text: string;
}

const QUESTIONS: Readonly<Record<string, Question>> = {
  client: {
    key: "client",
    flag: "<client>",
    text: "Short name of the client (lower case, at most 20 letters)",
  },
  from: { key: "from", flag: "--from <stack>", text: "Stack to fork from" },
  region: { key: "region", flag: "--region <region>", text: "Region" },
  account: { key: "account", flag: "--account <id>", text: "AWS account id" },
  project: { key: "project", flag: "--project <id>", text: "Google Cloud project id" },
  projectNumber: {
    key: "projectNumber",
    flag: "--project-number <number>",
    text: "Google Cloud project number",
  },
  owner: { key: "owner", flag: "--owner <email>", text: "E-mail address of who answers for it" },
  registry: { key: "registry", flag: "--registry <host>", text: "Registry of the client's images" },
};

/** What is needed before the template is known. */
const FIRST = ["client", "from"] as const;

/** Questions that are still open: first which client and template, then what follows from the template's cloud. */
export function openQuestions(given: Given, template: Template | undefined): Question[] {
  const first = FIRST.filter((key) => given[key] === undefined).map((key) => QUESTIONS[key]);
  if (template === undefined) return first.filter((question) => question !== undefined);
  const { provider } = cloudOf(template);
  const cloud = given.cloud ?? provider;
  const keys = [
    ...(cloud === provider ? [] : ["region"]),
    ...(cloud === "aws" ? ["account"] : ["project", "projectNumber"]),
    "owner",
    "registry",
  ];
  return keys.flatMap((key) => {
    const question = QUESTIONS[key];
    return question === undefined || given[question.key] !== undefined ? [] : [question];
  });
}

/** @throws ForkError naming the flags nobody gave */
export function refuseMissing(questions: readonly Question[]): void {
  if (questions.length === 0) return;
  throw new ForkError(
    `no terminal to ask on; give ${questions.map(({ flag, text }) => `${flag} (${text})`).join(", ")}`,
  );
}

function accelerators(gpu: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    gpu.map((pair) => {
      const [pool = "", accelerator = "", ...rest] = pair.split("=");
      if (pool === "" || accelerator === "" || rest.length > 0)
        throw new InvalidArgumentError(`--gpu '${pair}' is not pool=accelerator`);
      return [pool, accelerator];
    }),
  );
}

/** The flag of an answer, for messages. */
function flagOf(path: readonly PropertyKey[]): string {
  const [key = ""] = path.map(String);
  const flags: Readonly<Record<string, string>> = {
    accountId: "--account",
    projectId: "--project",
    displayName: "--name",
    environment: "--env",
    monthlyBudget: "--budget",
    accelerators: "--gpu",
    client: "<client>",
  };
  return flags[key] ?? `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Answers for a fork: what was given, the template's own for the rest, and networks that are free in this repository.
 * @throws ForkError naming flag, value and what it must be
 */
export function answersOf(stacks: readonly ClientStack[], template: Template, given: Given): ForkAnswers {
  const { environment, budget, audit } = template.config;
  const source = cloudOf(template);
  const cloud = given.cloud ?? source.provider;
  const region = given.region ?? source.region;
  checkRegion(cloud, region);
  const taken = stacks.flatMap(({ config }) => networksOf(config.cloud));
  const space = given.network ?? PRIVATE_SPACE;
  if (!z.cidrv4().safeParse(space).success)
    throw new ForkError(`--network '${space}' is not a network in CIDR notation such as ${PRIVATE_SPACE}`);
  const prefixes =
    source.provider === cloud
      ? networksOf(source).map((each) => Number(each.split("/")[1]))
      : cloud === "aws"
        ? [AWS_PREFIX]
        : [...GCP_PREFIXES];
  const [first = "", podsCidr, servicesCidr, controlPlaneCidr] = allocate(space, prefixes, taken);
  const sameZones = cloud === source.provider && region === source.region;
  const parsed = forkAnswers.safeParse({
    cloud,
    client: given.client,
    displayName: given.name ?? capital(given.client ?? ""),
    environment: given.env ?? environment,
    region,
    zones: given.zones ?? (sameZones ? source.zones : zonesOf(cloud, region, source.zones.length)),
    owner: given.owner,
    registry: given.registry,
    monthlyBudget: given.budget ?? budget.monthly,
    retentionDays: given.retentionDays ?? audit.retentionDays,
    purpose: given.purpose,
    accelerators: accelerators(given.gpu ?? []),
    systemNodes: given.systemNodes,
    ...(cloud === "aws"
      ? { accountId: given.account, network: first }
      : {
          projectId: given.project,
          projectNumber: given.projectNumber,
          billingAccount: given.billingAccount,
          network: { cidr: first, podsCidr, servicesCidr, controlPlaneCidr },
        }),
  });
  if (parsed.success) return parsed.data;
  throw new ForkError(
    parsed.error.issues.map(({ path, message }) => `${flagOf(path)}: ${message}`).join("\n"),
  );
}

function capital(client: string): string {
  return client.charAt(0).toUpperCase() + client.slice(1);
}
