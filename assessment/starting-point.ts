import { availabilityOf } from "../components/gpu/availability.ts";
import { instanceFor, type Accelerator } from "../components/gpu/accelerators.ts";
import { gkeRungs } from "../components/gpu/gke-rungs.ts";
import { CAPACITY_RUNGS } from "../components/gpu/ladder.ts";
import { PLACEHOLDER_DIGEST, PLACEHOLDER_SIGNER, placeholderKey } from "../stacks/placeholders.ts";
import { MAX_SEQUENCES, type Sizing } from "./sizing.ts";
import type { Answers } from "./questions.ts";

/** Files an environment can start from; comments say why each value was chosen. */
export interface StartingPoint {
  readonly stack: string;
  readonly stackText: string;
  readonly pipelineText: string;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function awsCloud({ account, region, client, environment }: Answers): string {
  return `      provider: aws
      accountId: ${quoted(account)}
      region: ${region}
      # Check that these zones exist in your account.
      zones: [${["a", "b", "c"].map((zone) => `${region}${zone}`).join(", ")}]
      network:
        cidr: 10.20.0.0/16
        # ${environment === "prod" ? "A zone that fails takes only its own way out with it." : "One is enough where an outage of a zone may be waited out."}
        nat: ${environment === "prod" ? "per-zone" : "single"}
        interfaceEndpoints: [ecr.api, ecr.dkr, sts, logs, kms, ec2, eks, eks-auth, sqs]
      cluster:
        version: "1.35"
        # Where \`pulumi up\` runs: inside; add the networks of your VPN or runners.
        endpoint: { access: private, allowedCidrs: [10.20.0.0/16] }
        access:
          # Nobody else gets in, not even who creates it; name the role that deploys ${client}.
          - { principalArn: "arn:aws:iam::${account}:role/platform-deploy", role: admin }
        systemNodes: { instanceType: m7i.xlarge, min: ${environment === "prod" ? 3 : 2}, expected: ${environment === "prod" ? 3 : 2}, max: 6 }`;
}

/** Zones that offer the GPU where two of them do; else the first two, to be looked up. */
function gcpZones(region: string, accelerator: Accelerator): string {
  const type = instanceFor("gcp", accelerator, 1);
  const known = type === undefined ? undefined : availabilityOf("gcp", type);
  const offering = known?.places.filter((place) => place.startsWith(`${region}-`)) ?? [];
  return offering.length > 1
    ? `      # Those that offer the GPU.
      zones: [${offering.join(", ")}]`
    : `      # Check which zones of the region have the GPU.
      zones: [${region}-a, ${region}-b]`;
}

function gcpCloud(
  { account, projectNumber = "", region, environment }: Answers,
  accelerator: Accelerator,
): string {
  return `      provider: gcp
      projectId: ${account}
      projectNumber: ${quoted(projectNumber)}
      region: ${region}
${gcpZones(region, accelerator)}
      network: { cidr: 10.60.0.0/20, podsCidr: 10.64.0.0/14, servicesCidr: 10.68.0.0/20, controlPlaneCidr: 10.69.0.0/28 }
      cluster:
        releaseChannel: REGULAR
        # Where \`pulumi up\` runs: inside; add the networks of your VPN or runners.
        endpoint: { access: private, allowedCidrs: [10.60.0.0/20] }
        systemNodes: { instanceType: e2-standard-4, min: ${environment === "prod" ? 3 : 1}, expected: ${environment === "prod" ? 3 : 1}, max: 6 }`;
}

/** On demand first in production, as far as the cloud sells the machine so. */
function capacity({ cloud, environment }: Answers, accelerator: Accelerator): string {
  const type = cloud === "gcp" ? instanceFor("gcp", accelerator, 1) : undefined;
  const sold = type === undefined ? CAPACITY_RUNGS : gkeRungs(type);
  if (!sold.includes("on-demand"))
    return `        # Google does not sell a single ${accelerator} on demand.
        capacity: [flex-start, spot]`;
  return environment === "prod"
    ? `        # On demand first: spot nodes disappear within minutes.
        capacity: [on-demand, spot]`
    : `        # Spot is cheapest; outside production an interruption may be waited out.
        capacity: [spot, on-demand]`;
}

function governance(answers: Answers): string {
  const { riskClass, annexIII, useCase, owner, personalData } = answers;
  const high = riskClass === "high";
  return `    # ${personalData === "yes" ? "Prompts may hold personal data: it is taken out before a model sees it." : "No personal data is expected: what looks like it is marked, not changed."}
    guardrails: { pii: ${personalData === "yes" ? "redact" : "flag"} }
    # ${high ? "A high-risk system's logs are kept six months at least (AI Act Art. 19, 26(6)); here longer, and nobody can delete them." : "Kept half a year; raise it where a contract asks for more."}
    audit: { mode: required, retentionDays: ${high ? 400 : 184}, objectLock: ${high ? "compliance" : "none"} }
    riskClass:
      level: ${riskClass}
      role: deployer
${high ? `      annexIII: ${quoted(annexIII ?? "")}\n      decisions: assists\n` : ""}      intendedPurpose: ${quoted(useCase)}
      owner: ${owner}
    oversight: { contact: ${owner}, review: flagged }
    transparency:
      # People must learn that they talk to a machine (AI Act Art. 50(1)); write it in their language.
      disclosure: { kind: notice, language: en, text: "You are talking to an automated assistant." }
${high ? "    documentation: { vault: { kind: locked } }\n" : ""}`;
}

const WEIGHTS = {
  repository: "mistralai/Mistral-7B-Instruct-v0.3",
  revision: "c170c708c41dac9275d15a8fff4eca08d52bab71",
};

/** The evaluation the model rests on; in development evaluations are advice. */
function evaluationOf({ environment }: Answers): string {
  if (environment === "dev") return "";
  return `
          # Zeros stand for the client's own signed evaluation: no pod starts before. \`llmops policy check\` names the hashes, \`llmops eval\` makes it.
          evaluation:
            report: ${PLACEHOLDER_DIGEST}
            model: gitCommit:${WEIGHTS.revision}
            prompt: none
            guardrails: ${PLACEHOLDER_DIGEST}
            dataSets: ${PLACEHOLDER_DIGEST}
            date: 2000-01-01`;
}

/** What the gate of the evaluation runs as and trusts. */
function gateOf({ client, environment }: Answers): string {
  if (environment === "dev")
    return `    # Nothing is at stake here: evaluations are advice.
    evaluation: { gate: advisory }
`;
  const signer = PLACEHOLDER_SIGNER.trim().replaceAll(/^/gm, " ".repeat(8));
  return `    # Build loops/Dockerfile, push it and write its digest; write the public key that evaluations are signed with.
    loops: { image: "registry.${client}.example/llmops-loops:0.1.0@${PLACEHOLDER_DIGEST}" }
    evaluation:
      signer: |
${signer}
`;
}

function stackText(answers: Answers, sizing: Sizing, pipelineFile: string): string {
  const { client, environment, cloud, owner, monthlyBudget, currency } = answers;
  const { accelerator, replicas, peakPerSecond, perReplica, maxModelLen } = sizing;
  const prod = environment === "prod";
  const most = Math.max(2, replicas * 2);
  const least = prod ? Math.max(2, replicas) : 0;
  const expected = Math.max(1, replicas);
  const pool = accelerator.toLowerCase();
  return `# yaml-language-server: $schema=./platform.schema.json
# A start for ${client}, ${environment}, from answers to \`llmops assess\`: read every reason, then
# \`llmops config check -s ${client}-${environment}\` and \`llmops plan -s ${client}-${environment}\`, which says whether the budget holds.
config:
  llmops:platform:
    client: ${client}
    environment: ${environment}
    cloud:
${cloud === "aws" ? awsCloud(answers) : gcpCloud(answers, accelerator)}
    gpuPools:
      # The smallest GPU that holds the model and meets the latency by the capacity model.
      - name: ${pool}
        accelerator: ${accelerator}
        gpusPerNode: 1
        provisioner: ${cloud === "aws" ? "karpenter" : "compute-class"}
${capacity(answers, accelerator)}
        nodes: { min: 0, expected: ${Math.max(expected, least)}, max: ${Math.max(most, least)} }
    models:
      # Open licence and small: replace it when an evaluation of your own cases says that it is not good enough.
      - name: assistant
        tenant: main
        engine:
          kind: vllm
          image: vllm/vllm-openai:v0.30.0@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90
          # Twice a usual prompt with its answer.
          maxModelLen: ${maxModelLen}
          maxNumSeqs: ${MAX_SEQUENCES}
        source: { kind: hub, repository: ${WEIGHTS.repository}, revision: ${WEIGHTS.revision} }
        architecture: { parametersBillion: 7.25, bytesPerParameter: 2, layers: 32, kvHeads: 8, headDim: 128 }
        gpu: { pool: ${pool}, tensorParallel: 1 }
        # Your answers.
        slo: { ttftP95Ms: ${answers.firstTokenMs}, e2eP99Ms: ${answers.wholeAnswerMs} }
        # ${peakPerSecond.toFixed(2)} requests/s at the peak, ${perReplica.toFixed(2)} per replica within the objectives: ${replicas} replicas${prod ? "; two at least, so that one may fail" : "; none while nobody asks"}.
        # The figure per replica is an estimate: measure yours and run \`llmops calibrate\`.
        autoscaling: { minReplicas: ${least}, expectedReplicas: ${Math.max(expected, least)}, maxReplicas: ${Math.max(most, least)}, queueDepthThreshold: 5 }
        # Blue-green needs GPUs for a second colour: change it when there are.
        delivery:
          strategy: rolling${evaluationOf(answers)}
    gateway:
      # Build gateway/Dockerfile, push both images, and write their digests and the digest of a real key instead of the zeros.
      image: registry.${client}.example/llmops-gateway:0.1.0@${PLACEHOLDER_DIGEST}
      redisImage: registry.${client}.example/valkey:8.1@${PLACEHOLDER_DIGEST}
      replicas: ${prod ? 3 : 1}
${prod ? "" : "      # A request that finds no replica waits for one.\n      holdSeconds: 600\n"}      admins:
        - { id: reviewers, key: ${quoted(placeholderKey(1))}, roles: [review] }
        - { id: duty, key: ${quoted(placeholderKey(2))}, roles: [stop] }
      clients:
        - { id: application, tenant: main, models: [assistant], keys: [${quoted(placeholderKey())}] }
${governance(answers)}${gateOf(answers)}    observability: { pipeline: ${pipelineFile} }
    budget:
      monthly: ${monthlyBudget}
      currency: ${currency}
      owner: ${owner}
      # A resource without a known price stops the plan; ask for the price and write it under \`assume\`.
      onUnknownPrice: { kind: error }
    tenancy:
      tenants:
        - { name: main, gpus: ${Math.max(most, least)}, cpus: ${Math.max(most, least) * 16}, memoryGiB: ${Math.max(most, least) * 64} }
`;
}

function pipelineText(answers: Answers): string {
  const { client, environment, availabilityPercent, firstTokenMs, wholeAnswerMs, hallucinationPercent } =
    answers;
  const prod = environment === "prod";
  return `# yaml-language-server: $schema=./llm-pipeline.schema.json
# What ${client} promises in ${environment}, from answers to \`llmops assess\`; \`llmops pipeline check\` explains every mistake.
name: ${client}-${environment}

slos:
  # Your answer; the error budget is what it leaves, over 30 days.
  availability: { objective: ${availabilityPercent} %, windowDays: 30 }

metrics:
  # Your answers; a model's own \`slo\` in the stack file replaces them for that model.
  latency_p99: < ${wholeAnswerMs} ms
  time_to_first_token_p95: < ${firstTokenMs} ms
  hallucination_rate: < ${hallucinationPercent} %
  cost_per_request: tracked
  tokens_per_request: tracked

# Nobody has measured the judge against people's labels yet: until then the rate is what it says, not what is true.
judge: { kind: uncalibrated }

drift:
  window: 1h
  reference: { range: 7d, offset: 1h }
  minimumSamples: 500
  signals:
    # What the gateway sees by itself; embedding distances and scores need an evaluation of live answers.
    prompt_bytes: { detector: ks }
    input_tokens: { detector: ks }
    output_tokens: { detector: ks }
    guard_verdicts: { detector: psi }

# ${prod ? "People are told, and decide: hand over to a loop when you trust it." : "Loops may act here; nothing is at stake."}
alerts:
  drift_detected: { action: ${prod ? "notify" : "retrain"} }
  quality_drop: { action: ${prod ? "notify" : "rollback"} }
  cost_spike: { action: ${prod ? "notify" : "throttle"} }
`;
}

/** Where the pipeline file belongs, from the root of the repository. */
export function pipelineFileOf({ client, environment }: Answers): string {
  return `monitoring/${client}-${environment}.yaml`;
}

/**
 * A starting configuration from answers.
 * @param pipelineFile what the stack file names; a path from the root of the repository, or an absolute one
 */
export function startingPoint(answers: Answers, sizing: Sizing, pipelineFile: string): StartingPoint {
  return {
    stack: `${answers.client}-${answers.environment}`,
    stackText: stackText(answers, sizing, pipelineFile),
    pipelineText: pipelineText(answers),
  };
}
