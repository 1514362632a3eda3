// A client on the official SDK 1.x that can be asked everything: walks each tool, prompt,
// resource and template of npm's server-everything, and prints what it was told.
//
// usage: node everything.mjs URL|'["command","argument",...]'
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
    CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

/// Tool → the arguments of each call of it.
const CALLS = {
    "echo": [{ message: "é \u0000 \u{1f600}" }],
    "get-annotated-message": [{ messageType: "error", includeImage: true }],
    "get-env": [{}],
    "get-resource-links": [{ count: 4 }],
    "get-resource-reference": [{ resourceType: "Text", resourceId: 3 },
                               { resourceType: "Blob", resourceId: 4 },
                               { resourceType: "Text", resourceId: -1 }],
    "get-roots-list": [{}],
    "get-structured-content": [{ location: "Chicago" }, { location: "nowhere" }],
    "get-sum": [{ a: 0.1, b: 0.2 }, { a: "x" }],
    "get-tiny-image": [{}],
    "gzip-file-as-resource": [
        { name: "a.gz", data: "data:text/plain,hello", outputType: "resourceLink" },
        { name: "b.gz", data: "data:text/plain,hello", outputType: "resource" }],
    "toggle-simulated-logging": [{}, {}],
    "toggle-subscriber-updates": [{}, {}],
    "trigger-elicitation-request": [{}],
    "trigger-long-running-operation": [{ duration: 0.4, steps: 4 }],
    "trigger-sampling-request": [{ prompt: "why?", maxTokens: 7 }],
    "trigger-url-elicitation": [
        { url: "https://example.com/a", elicitationId: "e1" },
        { url: "https://example.com/b", elicitationId: "e2", errorPath: true }],
};
const PROMPTS = {
    "args-prompt": [{ city: "Ulm", state: "BW" }, {}],
    "completable-prompt": [{ department: "Sales", name: "David" }],
    "resource-prompt": [{ resourceType: "Text", resourceId: "5" }],
    "simple-prompt": [{}],
};
const COMPLETIONS = [
    [{ type: "ref/prompt", name: "completable-prompt" }, { name: "department", value: "S" }],
    [{ type: "ref/prompt", name: "completable-prompt" }, { name: "name", value: "" },
     { arguments: { department: "Sales" } }],
    [{ type: "ref/resource", uri: "demo://resource/dynamic/text/{resourceId}" },
     { name: "resourceId", value: "1" }],
];

const target = process.argv[2];
const [command, ...args] = target.startsWith("[") ? JSON.parse(target) : [];
const client = new Client({ name: "walk", version: "1" }, {
    capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
});
const asked = [];
const answer = (schema, result) => client.setRequestHandler(schema, ({ method, params }) => {
    asked.push({ method, ...params });
    return result(params);
});
answer(ElicitRequestSchema, ({ mode }) => (mode === "url" ? { action: "accept" } : {
    action: "accept", content: { name: "Ada", check: true, integer: 7 },
}));
answer(CreateMessageRequestSchema, () => ({
    role: "assistant", model: "m", content: { type: "text", text: "because" },
}));
answer(ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///tmp/r", name: "r" }] }));
const transport = command
    ? new StdioClientTransport({ command, args, env: process.env, stderr: "ignore" })
    : new StreamableHTTPClientTransport(new URL(target));
await client.connect(transport);

/// Progress as it comes: the SDK drops what it reads together with the answer.
const heard = [];
const { onmessage } = transport;
transport.onmessage = (message, more) => {
    if (message.method === "notifications/progress") {
        heard.push({ ...message.params, progressToken: "" });
    }
    onmessage(message, more);
};

const told = (promise) => promise.catch(({ code, message, data }) => ({ code, message, data }));
const found = {};
const walk = async (what, list, calls, call) => {
    const items = Object.fromEntries((await list()).map((item) => [item.name, item]));
    for (const [name, item] of Object.entries(items)) {
        const answers = [];
        for (const each of calls(item) ?? []) {
            const answer = await told(call(item, each, { onprogress: () => {} }));
            answers.push({ answer, steps: heard.splice(0) });
        }
        found[`${what} ${name}`] = { item, answers };
    }
};
await walk("tool", async () => (await client.listTools()).tools, ({ name }) => CALLS[name],
           ({ name }, each, options) =>
               client.callTool({ name, arguments: each }, undefined, options));
await walk("prompt", async () => (await client.listPrompts()).prompts,
           ({ name }) => PROMPTS[name],
           ({ name }, each) => client.getPrompt({ name, arguments: each }));
await walk("resource", async () => (await client.listResources()).resources,
           ({ uri }) => [uri], (_, uri) => client.readResource({ uri }));
await walk("template", async () => (await client.listResourceTemplates()).resourceTemplates,
           ({ uriTemplate }) => [1, 2, 0].map((id) => uriTemplate.replace(/{.*}/, id)),
           (_, uri) => client.readResource({ uri }));
for (const [ref, argument, context] of COMPLETIONS) {
    found[`completion ${ref.name ?? ref.uri} ${argument.name}`] =
        await told(client.complete({ ref, argument, ...(context && { context }) }));
}
const uri = "demo://resource/dynamic/text/1";
found.subscribe = await told(client.subscribeResource({ uri }));
found.unsubscribe = await told(client.unsubscribeResource({ uri }));
found.asked = asked.filter(({ method }) => method !== "roots/list")
    .map((each) => JSON.stringify(each)).sort();
process.stdout.write(JSON.stringify(found), () => process.exit(0));
