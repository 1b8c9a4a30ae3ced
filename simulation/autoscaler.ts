import type { CompiledTrigger, QueryTrigger, ScalerSpec, ScalingRules } from "./scaled-object.ts";
import type { SeriesStore } from "./series.ts";

/** Seconds between two decisions of the HPA controller. @see https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/ */
export const SYNC_SECONDS = 15;

/** Ratio around 1 within which the HPA does nothing. Same source. */
const TOLERANCE = 0.1;

interface Change {
  readonly at: number;
  readonly replicas: number;
}

/** What a trigger answered; to KEDA one that falls back is active. @see https://github.com/kedacore/keda/blob/v2.20.2/pkg/scaling/scale_handler.go */
type Reading =
  | { readonly kind: "value"; readonly value: number }
  | { readonly kind: "fallback"; readonly value: number }
  | { readonly kind: "error" };

/** Replicas a cron trigger asks for outside its hours. @see https://github.com/kedacore/keda/blob/main/pkg/scalers/cron_scaler.go */
const CLOSED_REPLICAS = 1;

/** Monday 2026-01-05, 0:00 UTC: second 0 unless told otherwise. */
const MONDAY = Date.UTC(2026, 0, 5);

/** Decides replicas as KEDA and the HPA controller do, from the series that are there at the time. */
export class Autoscaler {
  readonly #failures = new Map<string, number>();
  #recommendations: Change[] = [];
  #ups: Change[] = [];
  #downs: Change[] = [];
  #lastActive = 0;
  #decisions = 0;

  private readonly spec: ScalerSpec;
  private readonly store: SeriesStore;
  private readonly startsAt: number;

  /** @param startsAt time of second 0 for schedules, ms since 1970 */
  constructor(spec: ScalerSpec, store: SeriesStore, startsAt = MONDAY) {
    this.spec = spec;
    this.store = store;
    this.startsAt = startsAt;
  }

  /** Wanted replicas at a time, given the replicas the Deployment asks for now. */
  decide(now: number, current: number): number {
    const readings = this.spec.triggers.map((trigger) => this.#read(trigger, now, current));
    const isActive = this.spec.triggers.some((trigger, index) => {
      if (trigger.kind === "clock") return this.#isOpen(trigger, now);
      const reading = readings[index];
      return (
        reading?.kind === "fallback" ||
        (reading?.kind === "value" && reading.value > trigger.activationThreshold)
      );
    });
    const isError = readings.some(({ kind }) => kind === "error");
    if (isActive && (current === 0 || !isError)) this.#lastActive = now;
    if (this.spec.minReplicas === 0) {
      if (current === 0) return isActive ? 1 : 0;
      // KEDA takes a failure below the threshold for quiet only where the fallback is 0.
      const isQuiet = !isActive && (!isError || this.spec.fallback?.replicas === 0);
      if (isQuiet && now - this.#lastActive >= this.spec.cooldownSeconds) return 0;
    }
    return this.#horizontal(now, current, readings);
  }

  #isOpen({ isOpen }: Extract<CompiledTrigger, { kind: "clock" }>, now: number): boolean {
    return isOpen(this.startsAt + now * 1000);
  }

  #read(trigger: CompiledTrigger, now: number, current: number): Reading {
    if (trigger.kind === "clock")
      return { kind: "value", value: this.#isOpen(trigger, now) ? trigger.replicas : CLOSED_REPLICAS };
    const reading = ask(trigger, this.store, now);
    if (reading.kind === "value") {
      this.#failures.set(trigger.name, 0);
      return reading;
    }
    const failures = (this.#failures.get(trigger.name) ?? 0) + 1;
    this.#failures.set(trigger.name, failures);
    const { fallback } = this.spec;
    if (fallback === undefined || failures <= fallback.failureThreshold) return reading;
    // KEDA answers with the metric that makes the HPA want exactly these replicas.
    return { kind: "fallback", value: trigger.threshold * fallbackReplicas(fallback, current) };
  }

  #horizontal(now: number, current: number, readings: readonly Reading[]): number {
    const floor = Math.max(1, this.spec.minReplicas);
    let wanted = 0;
    readings.forEach((reading, index) => {
      if (reading.kind === "error") return;
      wanted = Math.max(
        wanted,
        this.#proposal(reading.value, this.spec.triggers[index]?.threshold ?? 1, current),
      );
    });
    // With a metric missing the others may only add replicas.
    if (readings.some(({ kind }) => kind === "error") && wanted < current) wanted = current;
    return this.#limited(now, current, Math.min(this.spec.maxReplicas, Math.max(floor, wanted)), floor);
  }

  #proposal(value: number, threshold: number, current: number): number {
    const ratio = value / (threshold * current);
    const { up, down } = this.spec;
    const within =
      ratio > 1 ? ratio - 1 <= (up.tolerance ?? TOLERANCE) : 1 - ratio <= (down.tolerance ?? TOLERANCE);
    return within ? current : Math.ceil(value / threshold);
  }

  #limited(now: number, current: number, wanted: number, floor: number): number {
    const { up, down } = this.spec;
    const upWindow = up.stabilizationWindowSeconds ?? 0;
    const downWindow = down.stabilizationWindowSeconds ?? 300;
    const keep = Math.max(upWindow, downWindow);
    // A controller that sees an object for the first time takes its replicas for a recommendation.
    if (this.#decisions++ === 0) this.#recommendations.push({ at: now, replicas: current });
    this.#recommendations = this.#recommendations.filter(({ at }) => at > now - keep);
    const within = (window: number): number[] =>
      this.#recommendations.filter(({ at }) => at > now - window).map(({ replicas }) => replicas);
    const least = Math.min(wanted, ...within(upWindow));
    const most = Math.max(wanted, ...within(downWindow));
    let stable = current;
    if (stable < least) stable = least;
    if (stable > most) stable = most;
    this.#recommendations.push({ at: now, replicas: wanted });
    if (stable > current) {
      const result = Math.min(stable, this.#upLimit(now, current), this.spec.maxReplicas);
      if (result > current) this.#ups.push({ at: now, replicas: result - current });
      return Math.max(current, result);
    }
    if (stable < current) {
      const result = Math.max(stable, this.#downLimit(now, current), floor);
      if (result < current) this.#downs.push({ at: now, replicas: current - result });
      return Math.min(current, result);
    }
    return current;
  }

  /** Replicas at the start of a period: what was added and removed since is taken back. */
  #before(now: number, current: number, period: number): number {
    const sum = (changes: readonly Change[]): number =>
      changes.filter(({ at }) => at > now - period).reduce((total, { replicas }) => total + replicas, 0);
    return current - sum(this.#ups) + sum(this.#downs);
  }

  #upLimit(now: number, current: number): number {
    this.#ups = recent(this.#ups, this.spec.up, now);
    return chosen(
      this.spec.up,
      this.spec.up.policies.map(({ type, value, periodSeconds }) => {
        const start = this.#before(now, current, periodSeconds);
        return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
      }),
      "up",
    );
  }

  #downLimit(now: number, current: number): number {
    this.#downs = recent(this.#downs, this.spec.down, now);
    return chosen(
      this.spec.down,
      this.spec.down.policies.map(({ type, value, periodSeconds }) => {
        const start = this.#before(now, current, periodSeconds);
        return type === "Pods" ? start - value : Math.floor(start * (1 - value / 100));
      }),
      "down",
    );
  }
}

function recent(changes: readonly Change[], { policies }: ScalingRules, now: number): Change[] {
  const longest = Math.max(...policies.map(({ periodSeconds }) => periodSeconds));
  return changes.filter(({ at }) => at > now - longest);
}

/** `Max` is the policy that changes most, in either direction. */
function chosen({ selectPolicy }: ScalingRules, limits: readonly number[], direction: "up" | "down"): number {
  return (selectPolicy === "Max") === (direction === "up") ? Math.max(...limits) : Math.min(...limits);
}

function fallbackReplicas(fallback: NonNullable<ScalerSpec["fallback"]>, current: number): number {
  switch (fallback.behavior) {
    case "static":
      return fallback.replicas;
    case "currentReplicas":
      return current;
    case "currentReplicasIfHigher":
      return Math.max(current, fallback.replicas);
    case "currentReplicasIfLower":
      return Math.min(current, fallback.replicas);
  }
}

/** KEDA takes exactly one series; several are an error, none is what `ignoreNullValues` says. */
function ask({ query, whenEmpty }: QueryTrigger, store: SeriesStore, now: number): Reading {
  const answer = query(store, now);
  const values = typeof answer === "number" ? [answer] : answer.map(({ value }) => value);
  const [value] = values;
  if (values.length > 1) return { kind: "error" };
  if (value === undefined || !Number.isFinite(value))
    return whenEmpty === "zero" ? { kind: "value", value: 0 } : { kind: "error" };
  return { kind: "value", value };
}
