// Reads a list of simulations from stdin, writes a list of "Allowed", "ExplicitlyDenied" or "ImplicitlyDenied".
import { anonymousPrincipal, runSimulation } from "@cloud-copilot/iam-simulate";
import { readFileSync } from "node:fs";

const verdicts = [];
for (const { principal, action, resource, account, context, identity, policy } of JSON.parse(readFileSync(0, "utf8"))) {
  const found = await runSimulation(
    {
      request: {
        principal: principal ?? anonymousPrincipal,
        action,
        resource: { resource, accountId: account },
        contextVariables: context,
      },
      identityPolicies: identity.map((document, number) => ({ name: `policy-${number}`, policy: document })),
      resourcePolicy: policy ?? undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (found.resultType === "error") {
    throw new Error(`${action} on ${resource}: ${JSON.stringify(found.errors)}`);
  }
  verdicts.push(found.overallResult);
}
console.log(JSON.stringify(verdicts));
