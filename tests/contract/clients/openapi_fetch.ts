// Run the operations with openapi-fetch and the types of openapi-typescript, which tsc checks.

import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js"; // generated at test time

type Schemas = components["schemas"];

interface Case {
  emaid: string;
  pcid: string;
  namespace: Schemas["xsdMsgDefNamespaceParamV1"];
  session_id: string;
  put: Schemas["SignedContractDataV1"];
  post: Schemas["GetSignedContractDataReqV1"];
}

const given: { url: string; cases: Case[] } = JSON.parse(readFileSync(0, "utf8"));
const client = createClient<paths>({ baseUrl: given.url });

async function run({ emaid, pcid, namespace, session_id, put, post }: Case) {
  const query = { xsdMsgDefNamespace: namespace };
  const path = { emaid, pcid };
  const pair = "/signedcontractdata/{emaid}/{pcid}";
  return {
    put: (await client.PUT("/signedcontractdata", { body: put })).response.status,
    by_emaid: (
      await client.GET("/contractData/emaid/{emaid}", { params: { path: { emaid }, query } })
    ).data?.contractDataCollection,
    by_pcid: (
      await client.GET("/contractData/pcid/{pcid}", { params: { path: { pcid }, query } })
    ).data?.contractDataCollection,
    signed: (
      await client.GET(pair, { params: { path, query: { ...query, sessionID: session_id } } })
    ).data?.signedContractDataCollection,
    default: (await client.POST(`${pair}/setdefault`, { params: { path } })).response.status,
    post: (await client.POST("/signedcontractdata", { body: post })).data
      ?.signedContractDataCollection,
    delete: (
      await client.DELETE("/signedcontractdata/{emaid}", {
        params: { path: { emaid }, header: { "X-Skip-Revocation": true } },
      })
    ).response.status,
    gone: (await client.GET(pair, { params: { path, query } })).error?.errorMessages,
  };
}

const done = [];
for (const each of given.cases) {
  done.push(await run(each));
}
console.log(JSON.stringify(done));
