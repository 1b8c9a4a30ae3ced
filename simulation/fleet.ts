import type { ReplicaParameters } from "../capacity/replica-model.ts";
import { ExpectedOutput } from "../gateway/src/routing/demand.ts";
import { Autoscaler, SYNC_SECONDS } from "./autoscaler.ts";
import { Replica, type ReplicaLimits } from "./replica.ts";
import type { ScalerSpec } from "./scaled-object.ts";
import { SeriesStore } from "./series.ts";
import { seededRandom, type Trace } from "./trace.ts";

/** Times a request is judged by. */
export interface Slo {
  /** Longest time to the first token, ms. */
  readonly ttftMs: number;
  /** Longest mean time per further token, ms. */
  readonly tpotMs: number;
}

/** Where the metrics of the fleet are found: labels of the real scrape configuration. */
export interface FleetNames {
  readonly model: string;
  readonly namespace: string;
  readonly gatewayNamespace: string;
}

/** How the number of replicas is chosen. */
export type Scaling =
  | { readonly kind: "static"; readonly replicas: number }
  | { readonly kind: "scaled-object"; readonly spec: ScalerSpec; readonly start: number }
  | { readonly kind: "planned"; readonly start: number; readonly wanted: (seconds: number) => number };

/** Replicas on machines that the cloud may take back, beside some it may not. */
export interface SpotLadder {
  /** Replicas that are always bought on demand. */
  readonly onDemandReplicas: number;
  /** Mean time until the cloud takes a spot machine back, hours; the time is random (exponential). */
  readonly hoursToInterruption: number;
  /** Share of starts that find a spot machine; the others fall to the on-demand rung, 0 to 1. */
  readonly availability: number;
  /** Seconds between notice and end. @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
  readonly noticeSeconds: number;
  readonly seed: number;
}

/** One experiment. */
export interface FleetOptions {
  readonly trace: Trace;
  readonly parameters: ReplicaParameters;
  readonly limits: ReplicaLimits;
  readonly slo: Slo;
  readonly scaling: Scaling;
  readonly names: FleetNames;
  /** GPUs of one replica. */
  readonly gpus: number;
  /** Seconds from the decision to the first request of a new replica. @default 240 */
  readonly startSeconds?: number;
  /** @default every replica on demand */
  readonly spot?: SpotLadder;
  /** Share in time that is asked for: a run that cannot reach it any more ends, and its result says only that. @default runs to the end */
  readonly atLeast?: number;
  /** Told of every request that ended, and whether it was in time. @default nobody */
  readonly judged?: (request: number, isInTime: boolean) => void;
}

/** Replicas that are paid for, over time. */
export interface ReplicaPoint {
  readonly seconds: number;
  readonly replicas: number;
}

/** What an experiment showed. */
export interface FleetResult {
  readonly requests: number;
  /** Share of requests within both limits, 0 to 1. */
  readonly attainment: number;
  /** From the decision to start a replica to its last request. */
  readonly gpuHours: number;
  /** Part of them on spot machines. */
  readonly spotGpuHours: number;
  /** Requests whose replica ended under them: they start again elsewhere and count as late. */
  readonly interrupted: number;
  readonly peakReplicas: number;
  readonly scaleUps: number;
  readonly scaleDowns: number;
  /** Longest time to the first token, seconds. */
  readonly worstTtftSeconds: number;
  /** Mean time from arrival to the last token, seconds. */
  readonly meanStaySeconds: number;
  /** Mean time between two tokens, ms. */
  readonly meanTokenMs: number;
  readonly replicas: readonly ReplicaPoint[];
}

/** Seconds between two scrapes, as the PodMonitors say, and until a sample can be read. */
const SCRAPE_SECONDS = 5;
const VISIBLE_AFTER_SECONDS = 2;

/** Seconds until a new replica serves: node, image, weights, engine. @see docs/autoscaling.md */
export const START_SECONDS = 240;

/** Most tokens a caller allows an answer: only the gateway's first guess depends on it. */
const OUTPUT_LIMIT = 1024;

interface Member {
  readonly pod: string;
  readonly replica: Replica;
  readonly createdAt: number;
  readonly readyAt: number;
  readonly purchase: "on-demand" | "spot";
  /** When the cloud gives notice; Infinity on demand. */
  noticeAt: number;
  /** When the machine is gone; Infinity until notice. */
  goneAt: number;
  state: "starting" | "ready" | "draining";
}

/** Who changes the number of replicas; nobody in a static fleet. */
function decisionsOf(
  scaling: Scaling,
  store: SeriesStore,
): ((now: number, current: number) => number) | undefined {
  switch (scaling.kind) {
    case "static":
      return undefined;
    case "planned":
      return scaling.wanted;
    case "scaled-object": {
      const scaler = new Autoscaler(scaling.spec, store);
      return (now, current) => scaler.decide(now, current);
    }
  }
}

/** Runs a trace through gateway, replicas, Prometheus and scaler. */
class Fleet {
  readonly #members: Member[] = [];
  readonly #store = new SeriesStore();
  readonly #decide: ((now: number, current: number) => number) | undefined;
  readonly #expected = new ExpectedOutput();
  readonly #held: number[] = [];
  readonly #firstTokens: Float64Array;
  readonly #points: ReplicaPoint[] = [];
  readonly #slo: { ttft: number; tpot: number };
  #offeredInput = 0;
  #offeredOutput = 0;
  #wanted = 0;
  #born = 0;
  #attained = 0;
  #done = 0;
  #worstTtft = 0;
  #staySeconds = 0;
  #tokenSeconds = 0;
  #tokens = 0;
  #gpuSeconds = 0;
  #spotSeconds = 0;
  readonly #interrupted = new Set<number>();
  readonly #random: () => number;
  #peak = 0;
  #scaleUps = 0;
  #scaleDowns = 0;

  private readonly options: FleetOptions;

  constructor(options: FleetOptions) {
    this.options = options;
    const { scaling, slo, trace } = options;
    this.#random = seededRandom(options.spot?.seed ?? 0);
    this.#firstTokens = new Float64Array(trace.arrivals.length);
    this.#slo = { ttft: slo.ttftMs / 1e3, tpot: slo.tpotMs / 1e3 };
    this.#decide = decisionsOf(scaling, this.#store);
    this.#wanted = scaling.kind === "static" ? scaling.replicas : scaling.start;
    for (let count = 0; count < this.#wanted; count++) this.#start(0, 0);
  }

  run(): FleetResult {
    const { trace } = this.options;
    const requests = trace.arrivals.length;
    const end = trace.arrivals[requests - 1] ?? 0;
    let next = 0;
    let scrape = 0;
    let sync = SYNC_SECONDS;
    let now = 0;
    const mostLate = (1 - (this.options.atLeast ?? 0)) * requests;
    while (this.#done < requests && this.#done - this.#attained <= mostLate) {
      const arrival = next < requests ? (trace.arrivals[next] ?? Infinity) : Infinity;
      const busiest = this.#nextMember();
      const stepAt = busiest?.replica.phaseEnd ?? Infinity;
      const readyAt = this.#nextReady();
      const lossAt = this.options.spot === undefined ? Infinity : this.#nextLoss();
      now = Math.min(arrival, stepAt, readyAt, scrape, sync, lossAt);
      if (now === lossAt) this.#lose(now);
      else if (now === stepAt && busiest !== undefined) {
        busiest.replica.advance();
        if (busiest.state === "draining" && busiest.replica.inFlight === 0) this.#remove(busiest, now);
      } else if (now === arrival) this.#arrive(next++, now);
      else if (now === readyAt) this.#makeReady(now);
      else if (now === scrape) {
        this.#scrape(now);
        scrape += SCRAPE_SECONDS;
      } else {
        this.#sync(now);
        sync += SYNC_SECONDS;
      }
      // A fleet that cannot catch up would go on for ever.
      if (now > end + 86_400) break;
    }
    for (const member of this.#members) this.#pay(member, now);
    this.#points.push({ seconds: now, replicas: this.#members.length });
    return {
      requests,
      attainment: requests === 0 ? 1 : this.#attained / requests,
      gpuHours: this.#gpuSeconds / 3600,
      spotGpuHours: this.#spotSeconds / 3600,
      interrupted: this.#interrupted.size,
      peakReplicas: this.#peak,
      scaleUps: this.#scaleUps,
      scaleDowns: this.#scaleDowns,
      worstTtftSeconds: this.#worstTtft,
      meanStaySeconds: this.#done === 0 ? 0 : this.#staySeconds / this.#done,
      meanTokenMs: this.#tokens === 0 ? 0 : (1000 * this.#tokenSeconds) / this.#tokens,
      replicas: this.#points,
    };
  }

  #nextMember(): Member | undefined {
    let found: Member | undefined;
    let least = Infinity;
    for (const member of this.#members)
      if (member.replica.phaseEnd < least) {
        least = member.replica.phaseEnd;
        found = member;
      }
    return found;
  }

  #nextReady(): number {
    let least = Infinity;
    for (const { state, readyAt } of this.#members)
      if (state === "starting" && readyAt < least) least = readyAt;
    return least;
  }

  #nextLoss(): number {
    let least = Infinity;
    for (const { noticeAt, goneAt } of this.#members) least = Math.min(least, noticeAt, goneAt);
    return least;
  }

  /** Notice: the replica takes no more calls and its successor starts. End: what it still had starts again elsewhere. */
  #lose(now: number): void {
    const { spot, startSeconds = START_SECONDS } = this.options;
    for (const member of [...this.#members]) {
      if (member.goneAt <= now) {
        const left = member.replica.abandon();
        this.#remove(member, now);
        for (const request of left) {
          this.#interrupted.add(request);
          this.#route(request, now);
        }
      } else if (member.noticeAt <= now) {
        const isWanted = member.state !== "draining";
        member.noticeAt = Infinity;
        member.goneAt = now + (spot?.noticeSeconds ?? 0);
        member.state = "draining";
        if (member.replica.inFlight === 0) this.#remove(member, now);
        if (isWanted) this.#start(now, startSeconds);
      }
    }
  }

  #purchase(): Member["purchase"] {
    const { spot } = this.options;
    if (spot === undefined) return "on-demand";
    const onDemand = this.#members.filter(
      ({ purchase, state }) => purchase === "on-demand" && state !== "draining",
    ).length;
    if (onDemand < spot.onDemandReplicas) return "on-demand";
    return this.#random() < spot.availability ? "spot" : "on-demand";
  }

  #pay({ createdAt, purchase }: Member, now: number): void {
    const seconds = (now - createdAt) * this.options.gpus;
    this.#gpuSeconds += seconds;
    if (purchase === "spot") this.#spotSeconds += seconds;
  }

  #start(now: number, delay: number): void {
    const { parameters, limits, trace, names } = this.options;
    const replica = new Replica(parameters, limits, trace, {
      firstToken: (request, seconds) => {
        this.#firstTokens[request] = seconds;
      },
      finished: (request, seconds) => {
        this.#finish(request, seconds);
      },
    });
    const purchase = this.#purchase();
    const hours = this.options.spot?.hoursToInterruption ?? Infinity;
    this.#members.push({
      purchase,
      noticeAt: purchase === "spot" ? now - Math.log(1 - this.#random()) * hours * 3600 : Infinity,
      goneAt: Infinity,
      pod: `${names.model}-6d4f9c8b7-x${(this.#born++).toString(36)}`,
      replica,
      createdAt: now,
      readyAt: now + delay,
      state: delay === 0 ? "ready" : "starting",
    });
    this.#peak = Math.max(this.#peak, this.#members.length);
    this.#points.push({ seconds: now, replicas: this.#members.length });
  }

  #remove(member: Member, now: number): void {
    this.#members.splice(this.#members.indexOf(member), 1);
    this.#store.drop("pod", member.pod);
    this.#pay(member, now);
    this.#points.push({ seconds: now, replicas: this.#members.length });
  }

  #arrive(request: number, now: number): void {
    const { trace, names } = this.options;
    this.#offeredInput += trace.inputTokens[request] ?? 0;
    this.#offeredOutput += this.#expected.of(names.model, OUTPUT_LIMIT);
    this.#route(request, now);
  }

  #route(request: number, now: number): void {
    let chosen: Replica | undefined;
    let least = Infinity;
    for (const { state, replica } of this.#members)
      if (state === "ready" && replica.inFlight < least) {
        least = replica.inFlight;
        chosen = replica;
      }
    if (chosen === undefined) this.#held.push(request);
    else chosen.add(request, now);
  }

  #finish(request: number, now: number): void {
    const { trace, names } = this.options;
    const output = trace.outputTokens[request] ?? 1;
    const first = this.#firstTokens[request] ?? 0;
    const ttft = first - (trace.arrivals[request] ?? 0);
    const tpot = output > 1 ? (now - first) / (output - 1) : 0;
    this.#done++;
    this.#tokenSeconds += now - first;
    this.#tokens += output - 1;
    this.#staySeconds += now - (trace.arrivals[request] ?? 0);
    const isInTime = ttft <= this.#slo.ttft && tpot <= this.#slo.tpot && !this.#interrupted.has(request);
    if (isInTime) this.#attained++;
    this.options.judged?.(request, isInTime);
    if (ttft > this.#worstTtft) this.#worstTtft = ttft;
    this.#expected.seen(names.model, output);
  }

  #makeReady(now: number): void {
    for (const member of this.#members)
      if (member.state === "starting" && member.readyAt <= now) member.state = "ready";
    for (const request of this.#held.splice(0)) this.#route(request, now);
  }

  #scrape(now: number): void {
    if (this.options.scaling.kind !== "scaled-object") return;
    const { model, namespace, gatewayNamespace } = this.options.names;
    const visible = now + VISIBLE_AFTER_SECONDS;
    const gateway = { namespace: gatewayNamespace, model, pod: "gateway-0" };
    const offered = "llmops_gateway_offered_tokens_total";
    this.#store.add(offered, { ...gateway, kind: "input" }, visible, this.#offeredInput);
    this.#store.add(offered, { ...gateway, kind: "output" }, visible, this.#offeredOutput);
    this.#store.add("llmops_gateway_held_requests", gateway, visible, this.#held.length);
    const ready = this.#members.filter(({ state }) => state === "ready").length;
    const upstream = { namespace: gatewayNamespace, upstream: model, pod: "gateway-0" };
    this.#store.add("llmops_gateway_upstream_replicas", upstream, visible, ready);
    for (const { pod, replica, state } of this.#members) {
      if (state === "starting") continue;
      const labels = { namespace, pod, model_name: model, engine: "0" };
      this.#store.add("vllm:num_requests_running", labels, visible, replica.running);
      this.#store.add("vllm:num_requests_waiting", labels, visible, replica.waiting);
      this.#store.add("vllm:inter_token_latency_seconds_sum", labels, visible, replica.tokenSeconds);
      this.#store.add("vllm:inter_token_latency_seconds_count", labels, visible, replica.tokens);
      this.#store.add("vllm:kv_cache_usage_perc", labels, visible, replica.cacheUse);
    }
  }

  #sync(now: number): void {
    if (this.#decide === undefined) return;
    const wanted = this.#decide(now, this.#wanted);
    if (wanted > this.#wanted) {
      this.#scaleUps++;
      for (let count = this.#wanted; count < wanted; count++)
        this.#start(now, this.options.startSeconds ?? START_SECONDS);
    } else if (wanted < this.#wanted) {
      this.#scaleDowns++;
      this.#shrink(this.#wanted - wanted, now);
    }
    this.#wanted = wanted;
  }

  /** A ReplicaSet removes what is not ready before what is, and young before old. */
  #shrink(count: number, now: number): void {
    const rank = { starting: 0, ready: 1, draining: 2 } as const;
    const leaving = this.#members
      .filter(({ state }) => state !== "draining")
      .sort((a, b) => rank[a.state] - rank[b.state] || b.createdAt - a.createdAt)
      .slice(0, count);
    for (const member of leaving) {
      member.state = "draining";
      if (member.replica.inFlight === 0) this.#remove(member, now);
    }
  }
}

/** Runs one experiment; the same options give the same result. */
export function simulate(options: FleetOptions): FleetResult {
  return new Fleet(options).run();
}
