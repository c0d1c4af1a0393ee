import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

const words: Record<string, MessageDescriptor> = {
  "signature.cosign": msg`Signature or attestation (Cosign)`,
  "signature.notation": msg`Signature (Notation)`,
  "sbom.harbor": msg`Bill of materials`,
  "accelerator.nydus": msg`Accelerated image (Nydus)`,
  "subject.accessory": msg`Something that refers to it`,
};

/** What an accessory is, for people. */
export function accessoryWord(type: string): MessageDescriptor {
  return words[type] ?? { id: type, message: type };
}
