import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as provider from "@pulumi/pulumi/provider/index.js";
import { CALLED_FOR_EFFECT } from "../../plan/called-for-effect.ts";
import { COMPUTED_WITHIN } from "../../plan/computed-within.ts";

/**
 * A provider that stands in for every cloud: it keeps nothing, answers every operation, and writes each into a log.
 * What it proves: the engine's order, diffs and state. What it does not: that a cloud accepts the inputs.
 */

type Inputs = Record<string, unknown>;

/** Folder of the log and of the files that name a type whose creation fails or never ends. */
const FOLDER = process.env["STAND_IN_FOLDER"] ?? "";
if (FOLDER === "") throw new Error("STAND_IN_FOLDER is not set");
const LOG = join(FOLDER, "operations.jsonl");
const FAIL = join(FOLDER, "fail-create-of");
const HANG = join(FOLDER, "hang-create-of");

/** Names of the inputs a resource was last written with; kept in its state so that a removed input is seen. */
const INPUT_NAMES = "standInInputNames";

function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function names(file: string, type: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8") === type;
}

function log(operation: string, urn: string): void {
  appendFileSync(LOG, `${JSON.stringify({ operation, urn })}\n`);
}

/** Outputs a cloud would compute and the program reads. */
function computed(type: string, id: string): Inputs {
  const common = { arn: `arn:stand-in:${id}`, url: `https://stand-in/${id}`, keyId: id };
  switch (type) {
    case "aws:eks/cluster:Cluster":
      return { ...common, endpoint: "https://stand-in", certificateAuthority: { data: "Q0E=" } };
    case "aws:ec2/launchTemplate:LaunchTemplate":
      return { ...common, latestVersion: 1 };
    case "gcp:container/cluster:Cluster":
      return { endpoint: "192.0.2.1", masterAuth: { clusterCaCertificate: "Q0E=" } };
    case "tls:index/privateKey:PrivateKey":
      return { privateKeyPemPkcs8: "stand-in private key", publicKeyPem: "stand-in public key" };
    case "random:index/randomBytes:RandomBytes":
      return { base64: "c3RhbmQtaW4=" };
    case "random:index/randomPassword:RandomPassword":
      return { result: "stand-in" };
    case "aws:acm/certificate:Certificate":
      return {
        ...common,
        domainValidationOptions: [
          { resourceRecordName: "_stand-in", resourceRecordType: "CNAME", resourceRecordValue: "stand-in" },
        ],
      };
    case "aws:lb/loadBalancer:LoadBalancer":
      return { ...common, dnsName: `${id}.stand-in`, zoneId: "ZSTANDIN" };
    case "gcp:certificatemanager/dnsAuthorization:DnsAuthorization":
      return { dnsResourceRecords: [{ name: "_stand-in.", type: "CNAME", data: "stand-in." }] };
    case "gcp:compute/address:Address":
      return { address: "192.0.2.2" };
    case "gcp:serviceaccount/account:Account":
      return { email: `${id}@stand-in.iam` };
    default:
      return type.startsWith("aws:") ? common : {};
  }
}

function state(urn: string, id: string, inputs: Inputs): Inputs {
  const type = typeOf(urn);
  const within = COMPUTED_WITHIN[type];
  return {
    ...computed(type, id),
    ...inputs,
    ...(within === undefined
      ? {}
      : {
          [within.input]: { ...(inputs[within.input] as Inputs), [within.field]: `${within.field} of ${id}` },
        }),
    [INPUT_NAMES]: Object.keys(inputs).sort(),
  };
}

/** An input as it was given, from what the state has under its name. */
function given(type: string, name: string, value: unknown): unknown {
  const within = COMPUTED_WITHIN[type];
  if (within?.input !== name) return value;
  const { [within.field]: _computed, ...rest } = value as Inputs;
  return rest;
}

class StandIn implements provider.Provider {
  readonly version = "99.0.0";

  check(_urn: string, _olds: Inputs, news: Inputs): Promise<provider.CheckResult> {
    return Promise.resolve({ inputs: news });
  }

  diff(_id: string, urn: string, olds: Inputs, news: Inputs): Promise<provider.DiffResult> {
    const before = (olds[INPUT_NAMES] ?? []) as readonly string[];
    const names = new Set([...before, ...Object.keys(news)]);
    return Promise.resolve({
      changes: [...names].some(
        (name) => !isDeepStrictEqual(given(typeOf(urn), name, olds[name]), news[name]),
      ),
    });
  }

  create(urn: string, inputs: Inputs): Promise<provider.CreateResult> {
    const type = typeOf(urn);
    if (names(HANG, type)) {
      writeFileSync(join(FOLDER, "hanging"), "");
      return new Promise(() => undefined);
    }
    if (names(FAIL, type)) return Promise.reject(new Error(`stand-in: creation of ${type} fails on purpose`));
    log("create", urn);
    const id = urn.split("::").at(-1) ?? urn;
    return Promise.resolve({ id, outs: state(urn, id, inputs) });
  }

  update(id: string, urn: string, _olds: Inputs, news: Inputs): Promise<provider.UpdateResult> {
    log("update", urn);
    return Promise.resolve({ outs: state(urn, id, news) });
  }

  invoke(token: string): Promise<provider.InvokeResult> {
    return CALLED_FOR_EFFECT.has(token)
      ? Promise.resolve({ outputs: {} })
      : Promise.reject(new Error(`stand-in: nothing answers ${token}`));
  }

  delete(_id: string, urn: string): Promise<void> {
    log("delete", urn);
    return Promise.resolve();
  }
}

await provider.main(new StandIn(), process.argv.slice(2));
