import { WorkflowTemplate } from "@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/WorkflowTemplate";
import { readFileSync } from "node:fs";
import { secret } from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { isRecord, SECRET, valueAt } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { configurationHash } from "../configuration-hash.ts";
import { Loops, validateLoopsArgs, type LoopsArgs } from "./loops.ts";
import { retrainTemplate, rollbackTemplate, type RetrainArgs } from "./templates.ts";

const DOCKERFILE = new URL("../../loops/Dockerfile", import.meta.url);
const image = `registry.example/loops@sha256:${"a".repeat(64)}`;
const proposals = { url: "https://git.example/dispatches", token: { name: "git", key: "token" } };
const rollback = { image, approval: "automatic", proposals } as const;
const retrain: RetrainArgs = {
  image,
  approval: "required",
  proposals,
  trainingImage: `registry.example/training@sha256:${"b".repeat(64)}`,
  command: ["/app/train"],
  gpus: 2,
  nodeSelector: { "llmops.io/gpu-pool": "l40s" },
  volumeGiB: 100,
  mlflow: { url: "http://mlflow.ml.svc:5000" },
};
const RETRAINING: LoopsArgs = {
  image,
  executorImage: `quay.io/argoproj/argoexec:v4.1.0@sha256:${"c".repeat(64)}`,
  configuration: "{}",
  retrain,
  models: [
    { name: "mistral", namespace: "claims" },
    { name: "qwen", namespace: "claims" },
    { name: "llama", namespace: "support" },
  ],
  labels: { "llmops.io/client": "acme" },
};
const args: LoopsArgs = { ...RETRAINING, rollback };

function graphOf(changes: Partial<LoopsArgs> = {}): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new Loops("l", { ...args, ...changes }, {}) });
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Everything an account may do, by namespace. */
function rightsOf(graph: ResourceGraph, account: string): Record<string, Rule[]> {
  const rights: Record<string, Rule[]> = {};
  for (const { inputs } of ofType(graph, "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")) {
    const { metadata, roleRef, subjects } = inputs as unknown as {
      metadata: { namespace: string };
      roleRef: { name: string };
      subjects: { name: string }[];
    };
    if (!subjects.some(({ name }) => name === account)) continue;
    const role = ofType(graph, "kubernetes:rbac.authorization.k8s.io/v1:Role").find((each) => {
      const { name, namespace } = each.inputs["metadata"] as unknown as { name: string; namespace: string };
      return name === roleRef.name && namespace === metadata.namespace;
    });
    (rights[metadata.namespace] ??= []).push(...(role?.inputs["rules"] as unknown as Rule[]));
  }
  return rights;
}

const executor: Rule = {
  apiGroups: ["argoproj.io"],
  resources: ["workflowtaskresults"],
  verbs: ["create", "patch"],
};

describe("authority", () => {
  it("of going back is an abort of named rollouts: no specification, no pod, no secret", async () => {
    const graph = await graphOf();
    const abort = (names: readonly string[]): Rule[] => [
      { apiGroups: ["argoproj.io"], resources: ["rollouts"], verbs: ["get"], resourceNames: names },
      { apiGroups: ["argoproj.io"], resources: ["rollouts/status"], verbs: ["patch"], resourceNames: names },
    ];
    expect(rightsOf(graph, "loops-rollback")).toEqual({
      claims: abort(["mistral", "qwen"]),
      support: abort(["llama"]),
    });
  });

  it("of retraining is nothing, so that it cannot deploy", async () => {
    expect(rightsOf(await graphOf(), "loops-retrain")).toEqual({});
  });

  it("of the containers that Argo adds is to report results, with a token that Kubernetes fills in", async () => {
    const graph = await graphOf();
    expect(rightsOf(graph, "loops-executor")).toEqual({ loops: [executor] });
    for (const spec of [rollbackTemplate(rollback), retrainTemplate(retrain)])
      expect(spec.executor).toEqual({ serviceAccountName: "loops-executor" });
    const tokens = ofType(graph, "kubernetes:core/v1:Secret").filter(
      ({ inputs }) => inputs["type"] === "kubernetes.io/service-account-token",
    );
    expect(tokens.map(({ inputs }) => inputs["metadata"])).toEqual([
      expect.objectContaining({
        name: "loops-executor.service-account-token",
        namespace: "loops",
        annotations: { "kubernetes.io/service-account.name": "loops-executor" },
      }),
    ]);
  });

  it("to report comes after its account, because Kubernetes deletes a token whose account is not there", async () => {
    const graph = await graphOf();
    const [account, token] = ["ServiceAccount::l-account-loops-executor", "Secret::l-executor-token"].map(
      (end) => graph.nodes.find(({ urn }) => urn.endsWith(end)),
    );
    expect(account).toBeDefined();
    expect(token?.dependencies).toContain(account?.urn);
  });

  it("of Argo's controller is in the namespace of the loops: no secret, no role, no shell in a pod", async () => {
    const rights = rightsOf(await graphOf(), "workflow-controller");
    expect(Object.keys(rights)).toEqual(["loops"]);
    expect(rights["loops"]?.flatMap(({ resources }) => resources)).toEqual([
      "pods",
      "configmaps",
      "persistentvolumeclaims",
      "persistentvolumeclaims/finalizers",
      "serviceaccounts",
      "events",
      "workflows",
      "workflows/finalizers",
      "workflowtasksets",
      "workflowtasksets/finalizers",
      "workflowartifactgctasks",
      "workflowtemplates",
      "workflowtaskresults",
    ]);
  });

  it("of the controller is to start and end workflows", async () => {
    expect(rightsOf(await graphOf(), "loops")).toEqual({
      loops: [{ apiGroups: ["argoproj.io"], resources: ["workflows"], verbs: ["create", "get", "patch"] }],
    });
  });

  it("is nowhere cluster-wide, and no rule has a wildcard", async () => {
    const graph = await graphOf();
    expect(ofType(graph, "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")).toEqual([]);
    for (const { inputs } of ofType(graph, "kubernetes:rbac.authorization.k8s.io/v1:Role"))
      expect(JSON.stringify(inputs["rules"])).not.toContain('"*"');
  });

  it("to abort is not given without the loop", async () => {
    const graph = await capture({ stack: "test", program: () => new Loops("l", RETRAINING, {}) });
    expect(rightsOf(graph, "loops-rollback")).toEqual({});
  });
});

describe("the workflows", () => {
  const tasks = (spec: ReturnType<typeof rollbackTemplate>): [string, readonly string[]][] =>
    (spec.templates?.find(({ name }) => name === "main")?.dag?.tasks ?? []).map(
      ({ name, dependencies = [] }) => [name, dependencies],
    );

  it("are what the schema of Argo Workflows knows", async () => {
    const found = ofType(await graphOf(), "kubernetes:argoproj.io/v1alpha1:WorkflowTemplate");
    expect(found.map(({ name }) => name).sort()).toEqual(["l-template-retrain", "l-template-rollback"]);
    for (const { inputs } of found) new WorkflowTemplate(structuredClone(inputs) as never).validate();
  });

  it("go back and propose what an abort cannot undo", () => {
    expect(tasks(rollbackTemplate(rollback))).toEqual([
      ["abort", []],
      ["propose", ["abort"]],
    ]);
  });

  it("end a retraining at a proposal, after a person agreed to use GPUs", () => {
    expect(tasks(retrainTemplate(retrain))).toEqual([
      ["approve", []],
      ["snapshot", ["approve"]],
      ["train", ["snapshot"]],
      ["evaluate", ["train"]],
      ["register", ["evaluate"]],
      ["propose", ["register"]],
    ]);
    expect(JSON.stringify(retrainTemplate(retrain))).not.toMatch(/rollout|kubectl|deploy/i);
  });

  it("name the program of every step, because Argo's controller cannot ask the registry", () => {
    const programs = [rollbackTemplate(rollback), retrainTemplate(retrain)].flatMap(({ templates = [] }) =>
      templates.flatMap(({ name, container }) =>
        container === undefined ? [] : [[name, container.command?.join(" ")]],
      ),
    );
    const entryPoint = /^ENTRYPOINT (.*)$/m.exec(readFileSync(DOCKERFILE, "utf8"))?.[1] ?? "[]";
    const loops = (JSON.parse(entryPoint) as string[]).join(" ");
    expect(programs).toEqual([
      ["abort", loops],
      ["propose", loops],
      ["snapshot", "/app/train"],
      ["train", "/app/train"],
      ["evaluate", "/app/train"],
      ["register", "/app/train"],
      ["propose", loops],
    ]);
  });

  it("give a token of the API server to the abort alone", async () => {
    const withToken = [
      ...(rollbackTemplate(rollback).templates ?? []),
      ...(retrainTemplate(retrain).templates ?? []),
    ]
      .filter(({ automountServiceAccountToken }) => automountServiceAccountToken === true)
      .map(({ name }) => name);
    expect(withToken).toEqual(["abort"]);
    const accounts = ofType(await graphOf(), "kubernetes:core/v1:ServiceAccount").filter(
      ({ inputs }) => inputs["automountServiceAccountToken"] === true,
    );
    expect(accounts.map(({ name }) => name)).toEqual(["l-account-loops-rollback"]);
  });
});

describe("Argo Workflows", () => {
  it("is installed outside of the namespaces whose pods the admission policies judge, and looks after that of the loops", async () => {
    const graph = await graphOf();
    const [release] = ofType(graph, "kubernetes:helm.sh/v3:Release");
    expect(release?.inputs["namespace"]).toBe("argo-workflows");
    const namespaces = ofType(graph, "kubernetes:core/v1:Namespace").map(({ inputs }) => inputs["metadata"]);
    const named = (name: string): unknown =>
      namespaces.find((each) => isRecord(each) && each["name"] === name) ?? name;
    expect(named("argo-workflows")).not.toHaveProperty(["labels", "llmops.io/client"]);
    expect(named("loops")).toHaveProperty(["labels", "llmops.io/client"], "acme");
    expect(valueAt(release?.inputs ?? {}, "values.controller")).toMatchObject({
      extraArgs: ["--managed-namespace", "loops"],
      serviceAccount: { name: "workflow-controller" },
    });
  });

  it("adds containers to a step whose image and security the admission policies take", async () => {
    const [release] = ofType(await graphOf(), "kubernetes:helm.sh/v3:Release");
    const { image: executorImage, securityContext } = (
      release?.inputs["values"] as unknown as {
        executor: {
          image: { registry: string; repository: string; tag: string };
          securityContext: object;
        };
      }
    ).executor;
    const { registry, repository, tag } = executorImage;
    expect(`${registry}/${repository}:${tag}`).toBe(args.executorImage);
    expect(securityContext).toMatchObject({
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
  });
});

describe("the registry of models", () => {
  const url = "http://mlflow.ml.svc:5000";
  const withAccount = {
    retrain: { ...retrain, mlflow: { url, account: { user: "admin", password: secret("hunter2") } } },
  };
  const egressOf = (graph: ResourceGraph): unknown =>
    valueAt(
      ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy").find(({ name }) => name === "l-egress")
        ?.inputs ?? {},
      "spec.egress",
    );
  const labelOf = (graph: ResourceGraph): unknown => {
    const [namespace] = ofType(graph, "kubernetes:core/v1:Namespace");
    const labels = valueAt(namespace?.inputs ?? {}, "metadata.labels");
    return isRecord(labels) ? labels["llmops.io/mlflow-client"] : "no labels";
  };
  const toRegistry = {
    to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ml" } } }],
    ports: [{ protocol: "TCP", port: 5000 }],
  };

  it("is logged in to by the four steps of the training image, with a password that is in one Secret only", async () => {
    const graph = await graphOf(withAccount);
    const kept = ofType(graph, "kubernetes:core/v1:Secret").find(({ name }) => name === "l-mlflow");
    expect(valueAt(kept?.inputs ?? {}, "metadata")).toMatchObject({
      name: "mlflow-account",
      namespace: "loops",
    });
    expect(valueAt(kept?.inputs ?? {}, "stringData")).toEqual(SECRET);
    expect(JSON.stringify(graph.nodes)).not.toContain("hunter2");
    const logsIn = retrainTemplate(withAccount.retrain).templates?.flatMap(({ name, container }) =>
      container?.envFrom === undefined ? [] : [[name, container.envFrom]],
    );
    const reference = [{ secretRef: { name: "mlflow-account" } }];
    expect(logsIn).toEqual(["snapshot", "train", "evaluate", "register"].map((name) => [name, reference]));
  });

  it("is asked for no login where it has none", async () => {
    const graph = await graphOf();
    expect(ofType(graph, "kubernetes:core/v1:Secret").map(({ name }) => name)).not.toContain("l-mlflow");
    expect(JSON.stringify(retrainTemplate(retrain))).not.toContain("envFrom");
  });

  it.each<[string, Partial<LoopsArgs>, boolean]>([
    ["in the cluster is reached at its port", {}, true],
    [
      "outside of it is reached by port 443 like everything else there",
      { retrain: { ...retrain, mlflow: { url: "https://mlflow.example" } } },
      false,
    ],
  ])("%s", async (_what, changes, isThere) => {
    const graph = await graphOf(changes);
    const expected: unknown = expect.arrayContaining([toRegistry]);
    if (isThere) expect(egressOf(graph)).toEqual(expected);
    else expect(egressOf(graph)).not.toEqual(expected);
    expect(labelOf(graph)).toBe("true");
  });

  it("is out of reach without the loop", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new Loops(
          "l",
          {
            image,
            executorImage: args.executorImage,
            configuration: "{}",
            rollback,
            models: args.models,
            labels: args.labels,
          },
          {},
        ),
    });
    expect(egressOf(graph)).not.toEqual(expect.arrayContaining([toRegistry]));
    expect(labelOf(graph)).toBeUndefined();
  });
});

describe("the controller", () => {
  it("runs once, without root, with a volume for its records", async () => {
    const [set] = ofType(await graphOf(), "kubernetes:apps/v1:StatefulSet");
    expect(set?.inputs["spec"]).toMatchObject({
      replicas: 1,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      template: {
        metadata: { annotations: configurationHash("{}") },
        spec: {
          securityContext: { runAsNonRoot: true },
          containers: [{ securityContext: { readOnlyRootFilesystem: true } }],
        },
      },
    });
  });

  it("is reached by Alertmanager only", async () => {
    const policies = ofType(await graphOf(), "kubernetes:networking.k8s.io/v1:NetworkPolicy");
    const ingress = policies.map(({ inputs }) => inputs["spec"] as { ingress?: unknown });
    expect(ingress.filter(({ ingress: rules }) => rules !== undefined)).toMatchObject([
      {
        ingress: [
          {
            from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
          },
        ],
      },
    ]);
  });

  it.each([
    [{ image: "loops:latest" }, "image"],
    [{ retrain: { ...retrain, trainingImage: "training:1" } }, "retrain.trainingImage"],
    [{ executorImage: "quay.io/argoproj/argoexec:v4.1.0" }, "executorImage"],
    [{ executorImage: `argoproj/argoexec@sha256:${"c".repeat(64)}` }, "executorImage"],
  ] satisfies [Partial<LoopsArgs>, string][])("refuses %j", (changes, path) => {
    expect(() => {
      validateLoopsArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath: path }) as Error);
  });
});
