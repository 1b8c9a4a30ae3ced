import * as grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/analyzer_pb.js";
import type * as Proto from "@pulumi/pulumi/proto/analyzer_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import { fromWire } from "../../graph/wire.ts";
import type { GraphValue } from "../../graph/values.ts";
import { LEGAL_BASELINE } from "../catalogue.ts";
import { profileOf, type Control, type Profile } from "../controls/control.ts";
import { analyze, configOf, EXEMPTIONS_POLICY, type ConfiguredLevel } from "./analyzer.ts";
import { PACKS, policyName, type Pack } from "./packs.ts";
import { withAllocationTags } from "./remediation.ts";
import { stackGraph } from "./stack-graph.ts";

/**
 * Why the protocol and not the SDK `@pulumi/policy`: the SDK drops the stack's configuration, and turns every unknown value into a
 * note that stops nothing. See docs/decisions/0002-policy-pack-protocol.md.
 */

const VERSION = "0.1.0";
/** ISO date that replaces today; every run with it says so. */
const AS_OF_VARIABLE = "LLMOPS_POLICY_AS_OF";
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

const { EnforcementLevel, PolicySeverity } = messages;
const SEVERITIES = {
  critical: PolicySeverity.POLICY_SEVERITY_CRITICAL,
  high: PolicySeverity.POLICY_SEVERITY_HIGH,
  medium: PolicySeverity.POLICY_SEVERITY_MEDIUM,
  low: PolicySeverity.POLICY_SEVERITY_LOW,
} as const;

type Handler<Request, Response> = grpc.handleUnaryCall<Request, Response>;

/** Answers a call with what a function returns, or with its error. */
function answering<Request, Response>(run: (request: Request) => Response): Handler<Request, Response> {
  return (call, respond) => {
    try {
      respond(null, run(call.request));
    } catch (error) {
      respond({
        code: grpc.status.UNKNOWN,
        details: error instanceof Error ? error.message : String(error),
      });
    }
  };
}

function levelName(level: Proto.EnforcementLevel): ConfiguredLevel {
  switch (level) {
    case EnforcementLevel.ADVISORY:
      return "advisory";
    case EnforcementLevel.REMEDIATE:
      return "remediate";
    case EnforcementLevel.DISABLED:
      return "disabled";
    case EnforcementLevel.MANDATORY:
    default:
      return "mandatory";
  }
}

/** Level of a control in the profile of the stack; mandatory where there is no stack, as in `pulumi policy publish`. */
function levelIn({ levels }: Control, profile: Profile | undefined): Proto.EnforcementLevel {
  const level = profile === undefined ? "mandatory" : levels[profile];
  switch (level) {
    case "mandatory":
      return EnforcementLevel.MANDATORY;
    case "advisory":
      return EnforcementLevel.ADVISORY;
    case "off":
      return EnforcementLevel.DISABLED;
  }
}

function policyInfo(control: Control, profile: Profile | undefined): Proto.PolicyInfo {
  const { id, title, severity, legal, rationale, remediation } = control;
  const info = new messages.PolicyInfo();
  info.setName(policyName(id));
  info.setDisplayname(`${id} ${title}`);
  info.setDescription(rationale);
  info.setMessage(rationale);
  info.setEnforcementlevel(levelIn(control, profile));
  info.setPolicyType(messages.PolicyType.POLICY_TYPE_STACK);
  info.setSeverity(SEVERITIES[severity]);
  info.setRemediationSteps(remediation);
  info.setUrl(`docs/policies/${id}.md`);
  if (legal.length > 0) {
    const framework = new messages.PolicyComplianceFramework();
    framework.setName(LEGAL_BASELINE);
    framework.setReference(legal.map(({ reference }) => reference).join("; "));
    framework.setSpecification(
      legal.map(({ reference, appliesFrom }) => `${reference} from ${appliesFrom}`).join("; "),
    );
    info.setFramework(framework);
  }
  return info;
}

function exemptionsInfo(): Proto.PolicyInfo {
  const info = new messages.PolicyInfo();
  info.setName(EXEMPTIONS_POLICY);
  info.setDisplayname("Exemptions and declarations hold and are needed");
  info.setDescription("An exemption that ran out, or that nothing needs, hides what somebody should see.");
  info.setEnforcementlevel(EnforcementLevel.MANDATORY);
  info.setPolicyType(messages.PolicyType.POLICY_TYPE_STACK);
  return info;
}

/** State of one pack process: the engine configures it once, then asks. */
class PackServer {
  readonly #pack: Pack;
  #project = "";
  #stack = "";
  #values: ReadonlyMap<string, string> = new Map();
  readonly #inputs = new Map<string, GraphValue>();
  readonly #levels = new Map<string, ConfiguredLevel>();

  constructor(pack: Pack) {
    this.#pack = pack;
  }

  info(): Proto.AnalyzerInfo {
    const info = new messages.AnalyzerInfo();
    info.setName(this.#pack.name);
    info.setDisplayname(this.#pack.title);
    info.setVersion(VERSION);
    info.setSupportsconfig(true);
    const profile = this.#stack === "" ? undefined : this.#profile();
    info.setPoliciesList([
      ...this.#pack.controls.map((control) => policyInfo(control, profile)),
      exemptionsInfo(),
    ]);
    return info;
  }

  #profile(): Profile {
    const { riskClass, environment } = configOf(this.#values, this.#stack);
    return profileOf({ riskClass: riskClass.level, environment });
  }

  configureStack(request: Proto.AnalyzerStackConfigureRequest): Proto.AnalyzerStackConfigureResponse {
    this.#project = request.getProject();
    this.#stack = request.getStack();
    const values = new Map<string, string>();
    request.getConfigMap().forEach((value, key) => values.set(key, value));
    this.#values = values;
    return new messages.AnalyzerStackConfigureResponse();
  }

  configure(request: Proto.ConfigureAnalyzerRequest): Empty {
    request.getPolicyconfigMap().forEach((config, policy) => {
      this.#levels.set(policy, levelName(config.getEnforcementlevel()));
    });
    return new empty.Empty();
  }

  /**
   * Keeps the inputs: at the end of a preview the engine shows outputs only, and a resource whose provider is not known yet (every
   * Kubernetes object of a new cluster) has none. What matters is how resources hang together, so nothing is judged here.
   */
  analyze(request: Proto.AnalyzeRequest): Proto.AnalyzeResponse {
    this.#inputs.set(request.getUrn(), fromWire(request.getProperties()?.toJavaScript() ?? {}));
    return new messages.AnalyzeResponse();
  }

  analyzeStack(request: Proto.AnalyzeStackRequest): Proto.AnalyzeResponse {
    const config = configOf(this.#values, this.#stack);
    const graph = stackGraph(
      { project: this.#project, stack: this.#stack },
      request.getResourcesList(),
      this.#inputs,
    );
    const day = process.env[AS_OF_VARIABLE] ?? "";
    const asOf = day === "" ? new Date().toISOString() : new Date(day).toISOString();
    const { diagnostics, notApplicable } = analyze(this.#pack, graph, config, asOf, this.#levels);
    const response = new messages.AnalyzeResponse();
    response.setDiagnosticsList(
      diagnostics.map(({ policy, level, urn, message }) => {
        const diagnostic = new messages.AnalyzeDiagnostic();
        diagnostic.setPolicyname(policy);
        diagnostic.setPolicypackname(this.#pack.name);
        diagnostic.setPolicypackversion(VERSION);
        diagnostic.setMessage(day === "" ? message : `${message} (judged as of ${asOf})`);
        diagnostic.setEnforcementlevel(
          level === "mandatory" ? EnforcementLevel.MANDATORY : EnforcementLevel.ADVISORY,
        );
        diagnostic.setUrn(urn);
        return diagnostic;
      }),
    );
    response.setNotApplicableList(
      notApplicable.map(({ policy, reason }) => {
        const each = new messages.PolicyNotApplicable();
        each.setPolicyName(policy);
        each.setReason(reason);
        return each;
      }),
    );
    return response;
  }

  /** Adds missing allocation tags where the configuration gives COST-08 the level `remediate`. */
  remediate(request: Proto.AnalyzeRequest): Proto.RemediateResponse {
    const response = new messages.RemediateResponse();
    const policy = policyName("COST-08");
    if (this.#levels.get(policy) !== "remediate") return response;
    const { client, environment, budget } = configOf(this.#values, this.#stack);
    const wire = request.getProperties()?.toJavaScript() ?? {};
    const inputs = fromWire(wire) as Record<string, GraphValue>;
    const allocation = { client, environment, costOwner: budget.owner };
    const completed = withAllocationTags(request.getType(), inputs, allocation);
    if (completed === undefined) return response;
    const remediation = new messages.Remediation();
    remediation.setPolicyname(policy);
    remediation.setPolicypackname(this.#pack.name);
    remediation.setPolicypackversion(VERSION);
    // Only the tags change; everything else goes back as it came, with secrets and unknowns in their own form.
    const next = { ...wire, tags: completed["tags"] as JavaScriptValue };
    remediation.setProperties(struct.Struct.fromJavaScript(next));
    response.setRemediationsList([remediation]);
    return response;
  }
}

/**
 * Serves a pack to the engine: prints the port it listens on and answers until the engine ends it.
 * @throws RangeError for a name that is no pack
 */
export async function servePack(name: Pack["name"]): Promise<void> {
  const pack = PACKS.find((each) => each.name === name);
  if (pack === undefined) throw new RangeError(`there is no policy pack '${name}'`);
  const state = new PackServer(pack);
  const server = new grpc.Server({ "grpc.max_receive_message_length": MAX_MESSAGE_BYTES });
  server.addService(services.AnalyzerService, {
    handshake: answering(() => new messages.AnalyzerHandshakeResponse()),
    getAnalyzerInfo: answering(() => state.info()),
    getPluginInfo: answering(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(VERSION);
      return info;
    }),
    configureStack: answering((request: Proto.AnalyzerStackConfigureRequest) =>
      state.configureStack(request),
    ),
    configure: answering((request: Proto.ConfigureAnalyzerRequest) => state.configure(request)),
    analyze: answering((request: Proto.AnalyzeRequest) => state.analyze(request)),
    analyzeStack: answering((request: Proto.AnalyzeStackRequest) => state.analyzeStack(request)),
    remediate: answering((request: Proto.AnalyzeRequest) => state.remediate(request)),
    cancel: answering(() => new empty.Empty()),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  process.stdout.write(`${port}\n`);
}
