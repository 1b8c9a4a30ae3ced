import type { Obstacle } from "./obstacles.ts";
import type { Kept, Named } from "./outcome.ts";

/** What the steps by hand follow from. */
export interface TeardownFacts {
  readonly stack: string;
  readonly obstacles: readonly Obstacle[];
  readonly kept: readonly Kept[];
  readonly lost: readonly Named<"lost">[];
  readonly forgotten: readonly Named<"forgotten">[];
  /** URNs the engine refuses to delete. */
  readonly guarded: readonly string[];
  readonly buckets: {
    /** Places with audit records, as URLs. */
    readonly audit: readonly string[];
    /** Places that must be emptied, as URLs. */
    readonly filled: readonly string[];
  };
}

/** One step of the teardown that a person takes, in order. */
export interface Step {
  readonly what: string;
  /** Commands, as far as the plan knows them. */
  readonly commands: readonly string[];
}

function beforehand({ stack, forgotten, lost, buckets }: TeardownFacts): Step[] {
  return [
    ...(buckets.audit.length === 0
      ? []
      : [
          {
            what: "Verify the audit log a last time, and keep the report with the public key",
            commands: [
              `pulumi stack output auditPublicKey -s ${stack} > public.pem`,
              ...buckets.audit.map((bucket) => `npx llmops audit verify ${bucket} --key public.pem`),
            ],
          },
        ]),
    ...(forgotten.length === 0
      ? []
      : [
          {
            what: "Save the state with its secrets: without them nobody can read encrypted content or recompute digests in the log",
            commands: [`pulumi stack export -s ${stack} --show-secrets --file state.json`],
          },
        ]),
    ...(lost.length === 0
      ? []
      : [{ what: `Save what goes for good: ${lost.map(({ name }) => name).join(", ")}`, commands: [] }]),
  ];
}

function inTheCluster({ obstacles }: TeardownFacts): Step[] {
  const about = new Set(obstacles.map((each) => each.about));
  return !about.has("load-balancers")
    ? []
    : [
        {
          what: "Look for what the cluster made on its own, while its controllers still run",
          commands: [
            "kubectl get services,ingresses -A",
            ...(about.has("disks") ? ["kubectl get pv,pvc -A"] : []),
            ...(about.has("machines") ? ["kubectl get nodeclaims"] : []),
          ],
        },
      ];
}

function unlock({ stack, obstacles }: TeardownFacts): Step[] {
  return obstacles.some(({ about }) => about === "deletion-protection")
    ? [
        {
          what: "Turn deletion protection off: cloud.cluster.deletionProtection: off in the stack file",
          commands: [`pulumi up -s ${stack}`],
        },
      ]
    : [];
}

function empty({ stack, buckets }: TeardownFacts): Step[] {
  return buckets.filled.length === 0
    ? []
    : [
        {
          what: "The first run leaves buckets that are not empty. Save what must be kept, empty them (every version), and run again",
          commands: [...buckets.filled.map(emptying), `pulumi destroy -s ${stack}`],
        },
      ];
}

/**
 * Deletes every version: `aws s3 rm` only hides them behind markers. S3 takes a thousand names a call.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
function emptyingS3(bucket: string): string {
  const list = `aws s3api list-object-versions --bucket ${bucket} --max-items 1000 --output json`;
  const names = "[Versions, DeleteMarkers][].{Key: Key, VersionId: VersionId}";
  const remove = `aws s3api delete-objects --bucket ${bucket} --delete file:///dev/stdin`;
  return `while names=$(${list} --query '${names}') && [ "$names" != "[]" ]; do printf '{"Quiet": true, "Objects": %s}' "$names" | ${remove} || break; done`;
}

function emptying(place: string): string {
  return place.startsWith("s3://")
    ? emptyingS3(place.slice("s3://".length).replace(/\/.*$/, ""))
    : `gcloud storage rm --recursive --all-versions '${place}/**'`;
}

function letGo({ stack, guarded }: TeardownFacts): Step[] {
  return guarded.length === 0
    ? []
    : [
        {
          what: "Let the stack forget what it protects; what is retained stays in the cloud",
          commands: [`pulumi state unprotect --all -s ${stack} --yes`, `pulumi destroy -s ${stack}`],
        },
      ];
}

function afterwards({ stack, kept }: TeardownFacts): Step[] {
  const dates = [...new Set(kept.map(({ until }) => until))].filter((until) => until !== "for ever").sort();
  return [
    ...(dates.length === 0
      ? []
      : [
          {
            what: `Write the dates into a calendar, with who pays until then and who deletes: ${dates.join(", ")}`,
            commands: [],
          },
        ]),
    { what: "Remove the stack once nothing is left in it", commands: [`pulumi stack rm ${stack}`] },
  ];
}

/** What a person does, in order, around `pulumi destroy`. */
export function stepsOf(facts: TeardownFacts): Step[] {
  return [
    ...beforehand(facts),
    ...inTheCluster(facts),
    ...unlock(facts),
    { what: "Delete what can be deleted", commands: [`pulumi destroy -s ${facts.stack}`] },
    ...empty(facts),
    ...letGo(facts),
    ...afterwards(facts),
  ];
}
