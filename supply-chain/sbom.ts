import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { licenceKey, type SoftwareComponent } from "./component.ts";
import { licenceOf, type LicenceCatalogue } from "./licences.ts";

/** What a bill of materials is about. */
export interface BillOfMaterials {
  readonly stack: string;
  /** Version of the blueprint. */
  readonly version: string;
  readonly components: readonly SoftwareComponent[];
  readonly licences: LicenceCatalogue;
}

const TYPES = {
  package: Enums.ComponentType.Library,
  chart: Enums.ComponentType.Application,
  image: Enums.ComponentType.Container,
  model: Enums.ComponentType.MachineLearningModel,
  data: Enums.ComponentType.Data,
  tool: Enums.ComponentType.Application,
} as const;

const SCOPES = {
  required: Enums.ComponentScope.Required,
  optional: Enums.ComponentScope.Optional,
  excluded: Enums.ComponentScope.Excluded,
} as const;

const ALGORITHMS = {
  "SHA-1": Enums.HashAlgorithm["SHA-1"],
  "SHA-256": Enums.HashAlgorithm["SHA-256"],
  "SHA-512": Enums.HashAlgorithm["SHA-512"],
} as const;

function licencesOf(component: SoftwareComponent, known: LicenceCatalogue): Models.LicenseRepository {
  const verdict = licenceOf(component, known);
  return new Models.LicenseRepository([
    verdict.kind === "unknown"
      ? new Models.NamedLicense(`not known; declared: ${verdict.declared}`)
      : new Models.LicenseExpression(verdict.licence),
  ]);
}

function entryOf(component: SoftwareComponent, known: LicenceCatalogue): Models.Component {
  const { kind, name, version, purl, hashes, scope, facts } = component;
  return new Models.Component(TYPES[kind], name, {
    bomRef: `${licenceKey(component)}@${version ?? "unversioned"}`,
    scope: SCOPES[scope],
    hashes: new Models.HashDictionary(hashes.map(([algorithm, hex]) => [ALGORITHMS[algorithm], hex])),
    licenses: licencesOf(component, known),
    properties: new Models.PropertyRepository(
      Object.entries(facts).map(([fact, value]) => new Models.Property(fact, value)),
    ),
    ...(version === undefined ? {} : { version }),
    ...(purl === undefined ? {} : { purl }),
  });
}

/** CycloneDX 1.6 in JSON; the same input gives the same text, so it carries neither time nor serial number. */
export function cycloneDx({ stack, version, components, licences }: BillOfMaterials): string {
  const bom = new Models.Bom({
    metadata: new Models.Metadata({
      component: new Models.Component(Enums.ComponentType.Platform, `llmops-blueprint stack ${stack}`, {
        version,
        bomRef: `stack/${stack}`,
        licenses: new Models.LicenseRepository([new Models.LicenseExpression("Apache-2.0")]),
      }),
    }),
    components: new Models.ComponentRepository(components.map((each) => entryOf(each, licences))),
  });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return serializer.serialize(bom, { sortLists: true, space: 2 });
}
