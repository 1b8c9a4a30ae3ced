import { clusterDns } from "../cluster/dns.ts";
import { GATEWAY_NAMESPACE } from "../gateway/address.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";
import { modelUrl } from "./engine.ts";

/** What a calibration measures. */
export interface CalibrationJobArgs {
  /** Served model. */
  readonly model: string;
  /** Namespace of the model's engine. */
  readonly namespace: string;
  /** Port of the engine's pods. */
  readonly enginePort: number;
  /** Image of the gateway, pinned by digest; it holds the measuring program. */
  readonly image: string;
  /** What is measured, for the reader of the result. */
  readonly what: string;
  /** Tokens of the key-value cache. */
  readonly cacheTokens: number;
  /** Most sequences in a batch; no more are kept in flight. */
  readonly maxNumSeqs: number;
  /** Longest context served, tokens. */
  readonly maxModelLen: number;
  readonly labels: Readonly<Record<string, string>>;
}

const ENTRY = ["/nodejs/bin/node", "gateway/src/bin/measure.ts"];
const INPUT_TOKENS = [256, 1024, 4096];
const OUTPUT_TOKENS = [64, 256];
const CONCURRENCY = [1, 4, 16, 64];
/** Words of a prompt become up to this many tokens. */
const TOKENS_PER_WORD = 3;
const USER = 65_532;
/** Seconds until a measurement that hangs is ended. */
const DEADLINE_SECONDS = 7200;

/**
 * A Job that measures one idle replica from the gateway's namespace, and the opening in the network it needs.
 * It sends to the engine directly: no caller is served and no record is written, so use a replica without callers.
 */
export function calibrationJob(args: CalibrationJobArgs): readonly object[] {
  const name = `calibrate-${args.model}`;
  const selector = { "llmops.io/calibration": args.model };
  const metadata = { name, namespace: GATEWAY_NAMESPACE, labels: { ...args.labels, ...selector } };
  const longest = Math.max(...OUTPUT_TOKENS);
  const inputs = INPUT_TOKENS.filter((words) => words * TOKENS_PER_WORD + longest <= args.maxModelLen);
  const flags = {
    url: modelUrl({ model: args.model, namespace: args.namespace, port: args.enginePort }),
    model: args.model,
    what: args.what,
    "cache-tokens": String(args.cacheTokens),
    input: (inputs.length > 0 ? inputs : [Math.floor((args.maxModelLen - longest) / TOKENS_PER_WORD)]).join(
      ",",
    ),
    output: OUTPUT_TOKENS.join(","),
    concurrency: CONCURRENCY.filter((requests) => requests <= args.maxNumSeqs).join(","),
  };
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata,
      spec: {
        podSelector: { matchLabels: selector },
        policyTypes: ["Ingress", "Egress"],
        egress: [
          clusterDns(),
          {
            to: [
              {
                namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": args.namespace } },
                podSelector: { matchLabels: { "llmops.io/model": args.model } },
              },
            ],
            ports: [{ protocol: "TCP", port: args.enginePort }],
          },
        ],
      },
    },
    {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata,
      spec: {
        backoffLimit: 0,
        activeDeadlineSeconds: DEADLINE_SECONDS,
        template: {
          metadata: { labels: { ...args.labels, ...selector } },
          spec: {
            restartPolicy: "Never",
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: restrictedPod(USER),
            containers: [
              {
                name: "measure",
                image: args.image,
                command: ENTRY,
                args: Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
                resources: { requests: { cpu: "1", memory: "512Mi" }, limits: { memory: "512Mi" } },
                securityContext: restrictedContainer(),
              },
            ],
          },
        },
      },
    },
  ];
}
