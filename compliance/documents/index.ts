import { factsOf, type BundleInput, type ComplianceDocument } from "../bundle.ts";
import { dpiaDocument, friaDocument, recordOfProcessing } from "./assessments.ts";
import { classificationDocument } from "./classification.ts";
import { controlsDocument } from "./controls.ts";
import { incidentDocument, monitoringDocument } from "./operation.ts";
import { technicalDocumentation } from "./technical-documentation.ts";
import { transparencyDocument } from "./transparency.ts";

/** Every document of a stack, in order. */
export function documentsOf(input: BundleInput): ComplianceDocument[] {
  const facts = factsOf(input);
  return [
    classificationDocument(facts),
    technicalDocumentation(facts),
    controlsDocument(facts),
    transparencyDocument(facts),
    dpiaDocument(facts),
    friaDocument(facts),
    monitoringDocument(facts),
    incidentDocument(facts),
    recordOfProcessing(facts),
  ];
}
