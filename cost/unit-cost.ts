import { Decimal } from "decimal.js";
import type { CostLine } from "../plan/cost.ts";
import { HOURS_PER_MONTH } from "../pricing/price.ts";
import { TOKEN_PRICES, type TokenPrice } from "../pricing/tokens.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import type { ReplicaCapacity } from "./replica-capacity.ts";
import type { MeanRequest } from "./traffic.ts";

const MILLION = 1_000_000;

/** Shares of a replica's capacity that unit costs are shown for. */
const UTILISATIONS = [1, 0.75, 0.5, 0.25, 0.1] as const;

/** What a request and a million tokens cost on own GPUs. */
export interface UnitCost {
  /** Share of the replica's capacity that is used. */
  readonly utilisation: number;
  readonly usdPerRequest: string;
  /** Prompt and generated tokens together. */
  readonly usdPerMillionTokens: string;
}

/** Where a provider's API starts to cost more than own GPUs. */
export interface BreakEven {
  readonly provider: string;
  readonly model: string;
  readonly usdPerRequest: string;
  /** Share of a replica above which own GPUs are cheaper; `never` when the API is cheaper even than a full replica. */
  readonly utilisation: number | "never";
  /** Requests a month per replica at that point; absent for `never`. */
  readonly requestsPerMonth?: number;
  /** How cached input was counted: at its list price, or like any input where the list has none. */
  readonly cachedInput: "listed" | "full price";
  /** True when the prompt is longer than the price holds for: the provider charges more then. */
  readonly isBeyondPriceTier: boolean;
}

/** Unit costs of one model of a stack. */
export interface ModelUnitCosts {
  readonly model: string;
  readonly request: MeanRequest;
  /** Share of the prompt that APIs find in their prompt cache, 0 to 1. */
  readonly cachedShare: number;
  /** Price of the GPUs of a replica at the usual rung, USD/h. */
  readonly usdPerReplicaHour: string;
  readonly capacity: ReplicaCapacity;
  readonly unitCosts: readonly UnitCost[];
  readonly breakEven: readonly BreakEven[];
}

/** USD per hour of a replica's share of its node, from the line of the pool that its nodes usually come from. */
function replicaHour(
  { gpu }: PlatformConfig["models"][number],
  config: PlatformConfig,
  lines: readonly CostLine[],
): Decimal | undefined {
  const pool = config.gpuPools.find(({ name }) => name === gpu.pool);
  const machines = lines.filter(
    ({ pool: name, units }) => name === gpu.pool && units.expected.sku.includes("/machine/"),
  );
  const usual = machines.find(({ units }) => units.expected.quantity > 0) ?? machines[0];
  const price = usual?.prices[usual.units.expected.sku];
  if (pool === undefined || price === undefined) return undefined;
  return new Decimal(price.usdPerHour).times(gpu.tensorParallel * gpu.nodes).div(pool.gpusPerNode);
}

/**
 * USD of a mean request at an API's list price.
 * @param cachedShare share of the prompt found in the provider's cache; where that has no price it costs what input costs
 */
export function apiUsdPerRequest(
  { inputTokens, outputTokens }: MeanRequest,
  { input, output, cachedInput }: Pick<TokenPrice, "input" | "output" | "cachedInput">,
  cachedShare = 0,
): Decimal {
  const cached = new Decimal(inputTokens).times(cachedShare);
  return new Decimal(input)
    .times(new Decimal(inputTokens).minus(cached))
    .plus(new Decimal(cachedInput ?? input).times(cached))
    .plus(new Decimal(output).times(outputTokens))
    .div(MILLION);
}

function breakEvenOf(
  price: TokenPrice,
  request: MeanRequest,
  cachedShare: number,
  full: { readonly usdPerRequest: Decimal; readonly requestsPerMonth: number },
): BreakEven {
  const api = apiUsdPerRequest(request, price, cachedShare);
  const utilisation = full.usdPerRequest.div(api).toNumber();
  const limit = price.upToPromptTokens;
  return {
    provider: price.provider,
    model: price.model,
    usdPerRequest: api.toSignificantDigits(6).toFixed(),
    ...(utilisation > 1
      ? { utilisation: "never" as const }
      : { utilisation, requestsPerMonth: utilisation * full.requestsPerMonth }),
    cachedInput: price.cachedInput === undefined ? "full price" : "listed",
    isBeyondPriceTier: limit !== undefined && request.inputTokens > limit,
  };
}

/** Unit costs of a model at several utilisations, and the utilisation at which each provider's API costs the same. */
export function unitCostsOf(
  model: PlatformConfig["models"][number],
  config: PlatformConfig,
  lines: readonly CostLine[],
  capacity: ReplicaCapacity,
  request: MeanRequest,
  cachedShare = 0,
): ModelUnitCosts {
  const hour = replicaHour(model, config, lines);
  const known = {
    model: model.name,
    request,
    cachedShare,
    usdPerReplicaHour: hour?.toFixed() ?? "0",
    capacity,
  };
  if (hour === undefined || capacity.kind === "unknown") return { ...known, unitCosts: [], breakEven: [] };
  const requestsPerHour = capacity.requestsPerSecond * 3600;
  const tokens = request.inputTokens + request.outputTokens;
  const perRequest = hour.div(requestsPerHour);
  return {
    ...known,
    unitCosts: UTILISATIONS.map((utilisation) => {
      const usd = perRequest.div(utilisation);
      return {
        utilisation,
        usdPerRequest: usd.toSignificantDigits(6).toFixed(),
        usdPerMillionTokens: usd.times(MILLION).div(tokens).toSignificantDigits(6).toFixed(),
      };
    }),
    breakEven: TOKEN_PRICES.map((price) =>
      breakEvenOf(price, request, cachedShare, {
        usdPerRequest: perRequest,
        requestsPerMonth: requestsPerHour * HOURS_PER_MONTH,
      }),
    ),
  };
}
