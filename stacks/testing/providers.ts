import type { PlatformConfig } from "../schema/platform.ts";

type Provider = PlatformConfig["providers"][number];

/** What every provider of the tests has in common. */
const CONTRACT = { dataProcessingAgreement: "DPA-7", trainingUse: "excluded" } as const;

/** A provider with an interface of its own, whose region is the whole Union. */
export const OPENAI_EU: Provider = {
  ...CONTRACT,
  name: "openai-eu",
  kind: "openai",
  baseUrl: "https://eu.api.openai.com/v1",
  region: "eu",
  monthlyCapUsd: 1000,
  credential: { name: "openai", key: "token" },
  models: [
    {
      name: "gpt",
      model: "gpt-x",
      inputUsdPerMillion: "2.5",
      outputUsdPerMillion: "10",
      source: "price list",
      asOf: "2026-11-01",
    },
  ],
};

/** A provider with OpenAI's interface, in one region. */
export const MISTRAL: Provider = {
  ...CONTRACT,
  name: "mistral",
  kind: "openai-compatible",
  baseUrl: "https://api.mistral.example",
  region: "eu-west-3",
  monthlyCapUsd: 500,
  credential: { name: "mistral", key: "key" },
  models: [
    {
      name: "mistral-large",
      model: "mistral-large",
      inputUsdPerMillion: "2.00",
      outputUsdPerMillion: "6.00",
      source: "price list of the provider",
      asOf: "2026-11-01",
    },
  ],
};
