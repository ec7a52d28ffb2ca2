// The vendor's Node client (signature version 1), told by `clients.py` what to call: a line of JSON with the
// client's settings, then one for each call. Answers each call with a line, its reply.
"use strict";

const readline = require("readline");
const { RPCClient } = require("@alicloud/pop-core");
const exact = require("json-bigint"); // The client's own reader and writer of whole numbers of 64 bits.

async function main() {
  let client;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const told = JSON.parse(line);
    if (client === undefined) {
      client = new RPCClient(told);
    } else {
      const answered = client.request(told.action, told.params, { method: told.method });
      // A refusal is thrown, with the reply in it.
      const reply = await answered.catch((error) => error.data ?? Promise.reject(error));
      process.stdout.write(exact.stringify(reply) + "\n");
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
