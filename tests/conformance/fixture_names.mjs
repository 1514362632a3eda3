// What the official conformance suite asks for by name: tools, prompts, resources, a
// template, completion. One maker of servers for both eras and every transport.
import { createRequire } from "node:module";

const require = createRequire(new URL("../peers/package.json", import.meta.url));
const {
    acceptedContent, createRequestStateCodec, inputRequired,
    MissingRequiredClientCapabilityError, ResourceNotFoundError, Server,
} = require("@modelcontextprotocol/server");

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const SOUND = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

const text = (value) => ({ type: "text", text: value });
const says = (value) => ({ content: [text(value)] });
const image = { type: "image", data: PIXEL, mimeType: "image/png" };
const embedded = (uri, mimeType, value) => ({
    type: "resource",
    resource: { uri, mimeType, text: value },
});
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
const string = (more = {}) => ({ type: "string", ...more });
const object = (properties, required = Object.keys(properties)) => ({
    type: "object", properties, required,
});
const nothing = { type: "object", properties: {} };

/// The state that a client carries from round to round is sealed: who alters it is told so.
const state = createRequestStateCodec({ key: "a key of thirty-two bytes or more" });

/// What changes while a server runs: one tool and one prompt come and go.
const shown = { tool: false, prompt: false };

async function progress(_, { mcpReq }) {
    const progressToken = mcpReq._meta?.progressToken;
    for (const done of [0, 50, 100]) {
        if (progressToken !== undefined) {
            await mcpReq.notify({
                method: "notifications/progress",
                params: { progressToken, progress: done, total: 100, message: `${done} of 100` },
            });
        }
        await pause();
    }
    return says("progress complete");
}

async function log(_, { mcpReq }) {
    for (const step of ["started", "working", "done"]) {
        await mcpReq.log("info", step);
        await pause();
    }
    return says("logged");
}

async function reconnect(_, { http }) {
    http?.closeSSE?.();
    await pause();
    return says("the stream was closed during this call");
}

/// A question as the era of the request has it: one that ends the call and waits for its
/// repetition, or a request that names the call (over HTTP it goes on its stream).
/// `then` makes the result of the answer.
async function ask(mcpReq, modern, legacy, then) {
    if (!mcpReq.envelope) {
        return then(await legacy({ relatedRequestId: mcpReq.id }));
    }
    const answer = mcpReq.inputResponses?.question;
    return answer ? then(answer) : asks({ question: modern });
}

function sample({ prompt }, { mcpReq }) {
    const params = { messages: [{ role: "user", content: text(prompt) }], maxTokens: 100 };
    return ask(mcpReq, inputRequired.createMessage(params),
               (options) => mcpReq.requestSampling(params, options),
               ({ content }) => says(`LLM response: ${content.text}`));
}

function elicit(message, requestedSchema, { mcpReq }) {
    const params = { message, requestedSchema };
    return ask(mcpReq, inputRequired.elicit(params),
               (options) => mcpReq.elicitInput({ mode: "form", ...params }, options),
               ({ action, content }) => says(
                   `Elicitation completed: action=${action}, content=${JSON.stringify(content)}`));
}

const NAME_AND_MAIL = object({ username: string(), email: string() });
const DEFAULTS = object({
    name: string({ default: "John Doe" }),
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: string({ enum: ["active", "inactive", "pending"], default: "active" }),
    verified: { type: "boolean", default: true },
}, []);
const titled = [1, 2, 3].map((n) => ({ const: `value${n}`, title: `Option ${n}` }));
const plain = ["option1", "option2", "option3"];
const ENUMS = object({
    untitledSingle: string({ enum: plain }),
    titledSingle: string({ oneOf: titled }),
    legacyEnum: string({
        enum: ["opt1", "opt2", "opt3"],
        enumNames: ["Option One", "Option Two", "Option Three"],
    }),
    untitledMulti: { type: "array", items: string({ enum: plain }) },
    titledMulti: { type: "array", items: { anyOf: titled } },
}, []);

/// A modern request declares them itself; a legacy client has, once.
const declared_in = ({ mcpReq }, server) =>
    mcpReq.envelope?.["io.modelcontextprotocol/clientCapabilities"]
        ?? server.getClientCapabilities() ?? {};

function needs_sampling(_, context, server) {
    if (!declared_in(context, server).sampling) {
        throw new MissingRequiredClientCapabilityError({
            requiredCapabilities: { sampling: {} },
        });
    }
    return says("sampling may be asked for");
}

const question = (message, properties) =>
    inputRequired.elicit({ message, requestedSchema: object(properties) });
const ask_name = () => question("What is your name?", { name: string() });
const ask_model = (words, maxTokens) => inputRequired.createMessage({
    messages: [{ role: "user", content: text(words) }], maxTokens,
});
const asks = (inputRequests, requestState) =>
    inputRequired(requestState ? { inputRequests, requestState } : { inputRequests });

function greet(_, { mcpReq }) {
    const answer = acceptedContent(mcpReq.inputResponses, "user_name");
    return typeof answer?.name === "string" ? says(`Hello, ${answer.name}!`)
                                            : asks({ user_name: ask_name() });
}

/// A tool that asks once, and repeats what it was answered.
const asks_once = (key, request) => (_, { mcpReq }) => {
    const answer = mcpReq.inputResponses?.[key];
    return answer ? says(JSON.stringify(answer)) : asks({ [key]: request() });
};

/// A tool whose rounds carry sealed state; each round has its questions.
const rounds = (...questions) => async (_, { mcpReq }) => {
    const done = mcpReq.inputResponses ? (mcpReq.requestState()?.round ?? 0) : 0;
    return done < questions.length
        ? asks(questions[done](), await state.mint({ round: done + 1 }))
        : says(`state-ok ${JSON.stringify(mcpReq.inputResponses)}`);
};

function ask_what_is_declared(_, context, server) {
    const declared = declared_in(context, server);
    const requests = {
        ...(declared.elicitation && { user_name: ask_name() }),
        ...(declared.sampling && { greeting: ask_model("Generate a greeting", 50) }),
        ...(declared.roots && { client_roots: inputRequired.listRoots() }),
    };
    return Object.keys(requests).length ? asks(requests) : says("no question can be asked");
}

const change = (what, tell) => async (_, context, server, changed) => {
    shown[what] = !shown[what];
    await changed[tell](server);
    return says(`the list of ${what}s has changed`);
};

const confirm = () => ({ confirm: question("Please confirm", { ok: { type: "boolean" } }) });

/// Name → what a call does, with the arguments (and their schema, where there are any).
const TOOLS = {
    test_simple_text: () => says("This is a simple text response for testing."),
    test_image_content: () => ({ content: [image] }),
    test_audio_content: () => ({
        content: [{ type: "audio", data: SOUND, mimeType: "audio/wav" }],
    }),
    test_embedded_resource: () => ({
        content: [embedded("test://embedded-resource", "text/plain", "an embedded resource")],
    }),
    test_multiple_content_types: () => ({
        content: [
            text("Multiple content types test:"), image,
            embedded("test://mixed-content-resource", "application/json", '{"test":"data"}'),
        ],
    }),
    test_error_handling: () => ({
        ...says("This tool intentionally returns an error for testing"), isError: true,
    }),
    test_tool_with_progress: progress,
    test_tool_with_logging: log,
    test_logging_tool: log,
    test_reconnection: reconnect,
    test_sampling: [object({ prompt: string() }), sample],
    test_elicitation: [object({ message: string() }),
                       ({ message }, context) => elicit(message, NAME_AND_MAIL, context)],
    test_elicitation_sep1034_defaults: (_, context) => elicit("Defaults", DEFAULTS, context),
    test_elicitation_sep1330_enums: (_, context) => elicit("Enums", ENUMS, context),
    test_missing_capability: needs_sampling,
    test_streaming_elicitation: greet,
    test_trigger_tool_change: change("tool", "tools"),
    test_trigger_prompt_change: change("prompt", "prompts"),
    test_input_required_result_elicitation: greet,
    test_input_required_result_sampling:
        asks_once("capital_question", () => ask_model("What is the capital of France?", 100)),
    test_input_required_result_list_roots:
        asks_once("client_roots", () => inputRequired.listRoots()),
    test_input_required_result_request_state: rounds(confirm),
    test_input_required_result_tampered_state: rounds(confirm),
    test_input_required_result_multiple_inputs: rounds(() => ({
        user_name: ask_name(),
        greeting: ask_model("Generate a greeting", 50),
        client_roots: inputRequired.listRoots(),
    })),
    test_input_required_result_multi_round: rounds(
        () => ({ step1: question("Step 1: What is your name?", { name: string() }) }),
        () => ({ step2: question("Step 2: What is your colour?", { color: string() }) })),
    test_input_required_result_capabilities: ask_what_is_declared,
    test_custom_header: [object({ region: string({ "x-mcp-header": "Region" }) }),
                         ({ region }) => says(region)],
    json_schema_2020_12_tool: [{
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        $defs: {
            address: {
                $anchor: "addressDef",
                type: "object",
                properties: { street: string(), city: string() },
            },
        },
        properties: {
            name: string(),
            address: { $ref: "#/$defs/address" },
            contactMethod: string({ enum: ["phone", "email"] }),
            phone: string(),
            email: string(),
        },
        allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
        if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
        then: { required: ["phone"] },
        else: { required: ["email"] },
        additionalProperties: false,
    }, () => says("valid")],
};

const messages = (...blocks) => ({
    messages: blocks.map((content) => ({ role: "user", content })),
});

/// Name → arguments, what a prompt says.
const PROMPTS = {
    test_simple_prompt: [[], () => messages(text("This is a simple prompt for testing."))],
    test_prompt_with_arguments: [["arg1", "arg2"], ({ arg1, arg2 }) =>
        messages(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    test_prompt_with_embedded_resource: [["resourceUri"], ({ resourceUri }) => messages(
        embedded(resourceUri, "text/plain", "Embedded resource content for testing."),
        text("Please process the embedded resource above."))],
    test_prompt_with_image: [[], () =>
        messages(image, text("Please analyze the image above."))],
    test_input_required_result_prompt: [[], (_, { mcpReq }) => {
        const answer = acceptedContent(mcpReq.inputResponses, "user_context");
        return answer ? messages(text(`Use ${answer.context}.`)) : asks({
            user_context: question("What context should the prompt use?",
                                   { context: string() }),
        });
    }],
};

const words = (value) => ({ mimeType: "text/plain", text: value });
const RESOURCES = {
    "test://static-text": words("This is the content of the static text resource."),
    "test://static-binary": { mimeType: "image/png", blob: PIXEL },
    "test://watched-resource": words("This is watched."),
};
const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

function read({ uri }) {
    const id = TEMPLATE.exec(uri)?.[1];
    const found = id === undefined ? RESOURCES[uri] : {
        mimeType: "application/json",
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    };
    if (!found) {
        throw new ResourceNotFoundError(uri);
    }
    return { contents: [{ uri, ...found }] };
}

const describe = (name) => ({ name, description: name.replaceAll("_", " ") });

function tools() {
    const list = Object.entries(TOOLS).map(([name, tool]) => ({
        ...describe(name), inputSchema: Array.isArray(tool) ? tool[0] : nothing,
    }));
    return shown.tool ? [...list, { ...describe("test_changed_tool"), inputSchema: nothing }]
                      : list;
}

function prompts() {
    const list = Object.entries(PROMPTS).map(([name, [names]]) => ({
        ...describe(name),
        arguments: names.map((argument) => ({
            ...describe(argument), required: true,
        })),
    }));
    return shown.prompt ? [...list, { ...describe("test_changed_prompt"), arguments: [] }]
                        : list;
}

function resources() {
    return Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({
        uri, ...describe(uri.slice("test://".length)), mimeType,
    }));
}

const cached = (result) => ({ ...result, ttlMs: 0, cacheScope: "private" });
const starts_with = (start) => (value) => value.startsWith(start);

/// A server; `changed` tells clients that a list has changed: {tools(server), prompts(server)}.
export function make(changed) {
    const server = new Server({ name: "conformance-fixture", version: "1" }, {
        capabilities: {
            tools: { listChanged: true }, prompts: { listChanged: true },
            resources: { subscribe: true }, completions: {}, logging: {},
        },
        requestState: { verify: state.verify },
    });
    const serve = (method, answer) => server.setRequestHandler(
        method, ({ params }, context) => answer(params ?? {}, context));
    serve("tools/list", () => cached({ tools: tools() }));
    serve("tools/call", (params, context) => {
        const tool = TOOLS[params.name];
        const call = Array.isArray(tool) ? tool[1] : tool;
        return call ? call(params.arguments ?? {}, context, server, changed)
                    : { ...says(`no tool ${params.name}`), isError: true };
    });
    serve("prompts/list", () => cached({ prompts: prompts() }));
    serve("prompts/get", (params, context) => {
        const [, get] = PROMPTS[params.name] ?? [];
        return get ? get(params.arguments ?? {}, context) : messages(text("no such prompt"));
    });
    serve("resources/list", () => cached({ resources: resources() }));
    serve("resources/templates/list", () => cached({
        resourceTemplates: [{
            uriTemplate: "test://template/{id}/data", ...describe("template"),
            mimeType: "application/json",
        }],
    }));
    serve("resources/read", (params) => cached(read(params)));
    serve("resources/subscribe", () => ({}));
    serve("resources/unsubscribe", () => ({}));
    serve("completion/complete", ({ argument }) => {
        const values = ["paris", "park", "party"].filter(starts_with(argument.value));
        return { completion: { values, total: values.length, hasMore: false } };
    });
    return server;
}
