// What a client of the matrix does with one server, and what it expects: the same for every
// client. `client` hides which SDK, era and transport it is:
//
//   era, revision, call(name, args, options), list(kind), prompt(name, args), read(uri),
//   complete(ref, argument), level(level), news(filter), heard (all messages, in order)
import assert from "node:assert/strict";

const said = (result) => result.content[0].text;
const answered = (result) => JSON.parse(said(result));
const tag = () => Math.random().toString(36).slice(2);

/// What every client answers; the question says how.
export const ANSWERS = {
    elicitation: ({ message }) => (message === "accept"
        ? { action: "accept", content: { word: "w" } } : { action: message }),
    sampling: ({ messages }) => ({
        role: "assistant", model: "m",
        content: { type: "text", text: `re: ${messages[0].content.text}` },
    }),
    roots: () => ({ roots: [{ uri: "file:///tmp/root", name: "root" }] }),
};
export const CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: {} };

/// Waits for what a client hears.
export class Heard {
    #messages = [];
    #waiting = [];

    add(message) {
        this.#messages.push(message);
        this.#waiting = this.#waiting.filter((each) => !each());
    }

    /// All that comes over a transport: the SDKs drop progress that they read together with
    /// the answer.
    listen_to(transport) {
        const { onmessage } = transport;
        transport.onmessage = (message, more) => {
            this.add(message);
            onmessage(message, more);
        };
    }

    all(method) {
        return this.#messages.filter((each) => each.method === method);
    }

    /// Progress told as `message`, before the answer that says the same.
    progress(message) {
        const end = this.#messages.findIndex(({ result }) =>
            result?.content?.[0].text === message);
        return this.#messages.slice(0, end).filter(({ params }) => params?.message === message)
            .map(({ params }) => params.progress);
    }

    /// The first that `wanted` accepts.
    wait(what, wanted) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`never heard ${what}`)), 15000);
            const look = () => {
                const found = this.#messages.find(wanted);
                if (found) {
                    clearTimeout(timer);
                    resolve(found);
                }
                return found !== undefined;
            };
            if (!look()) {
                this.#waiting.push(look);
            }
        });
    }
}

const LISTED = "notifications/tools/list_changed";

/// Cell → what it takes. Each gets a client and the namespace of a server.
const CELLS = {
    async tools(client, space) {
        const names = (await client.list("tools")).map((each) => each.name);
        assert.ok(names.includes(`${space}.echo`), names.join(" "));
        assert.equal(said(await client.call(`${space}.echo`, { tag: "é 1" })), "é 1");
        assert.equal((await client.call(`${space}.fail`)).isError, true);
    },
    async prompts(client, space) {
        const listed = (await client.list("prompts")).find((p) => p.name === `${space}.greet`);
        assert.equal(listed.arguments[0].name, "who");
        const got = await client.prompt(`${space}.greet`, { who: "you" });
        assert.equal(got.messages[0].content.text, "Hi you");
    },
    async resources(client, space) {
        const uris = (await client.list("resources")).map((each) => each.uri);
        assert.ok(uris.includes(`${space}://note`), uris.join(" "));
        const templates = (await client.list("resourceTemplates")).map((t) => t.uriTemplate);
        assert.ok(templates.includes(`${space}://item/{n}`), templates.join(" "));
        assert.equal((await client.read(`${space}://note`)).contents[0].text,
                     `the note of ${space}`);
        assert.equal((await client.read(`${space}://item/7`)).contents[0].text, "7");
        await assert.rejects(client.read(`${space}://none`), (error) =>
            error.code === (client.era === "modern" ? -32602 : -32002));
    },
    async completion(client, space) {
        const argument = { name: "who", value: "a" };
        const of = (ref) => client.complete(ref, argument).then((r) => r.completion.values);
        assert.deepEqual(await of({ type: "ref/prompt", name: `${space}.greet` }), ["a-greet"]);
        assert.deepEqual(await of({ type: "ref/resource", uri: `${space}://item/{n}` }),
                         ["a-item"]);
    },
    async progress(client, space) {
        const mine = tag();
        await client.call(`${space}.steps`, { tag: mine }, { onprogress: () => {} });
        assert.deepEqual(client.heard.progress(mine), [1, 2, 3, 4, 5]);
    },
    async cancellation(client, space) {
        const mine = tag();
        const stop = new AbortController();
        const onprogress = () => stop.abort(new Error("enough"));
        await assert.rejects(
            client.call(`${space}.hang`, { tag: mine }, { onprogress, signal: stop.signal }));
        assert.equal(said(await client.call(`${space}.aborted`, { tag: mine })), "true");
    },
    async elicitation(client, space) {
        for (const action of ["accept", "decline", "cancel"]) {
            const got = answered(await client.call(`${space}.elicit`, { tag: action }));
            assert.equal(got.action, action);
            assert.deepEqual(got.content, action === "accept" ? { word: "w" } : undefined);
        }
    },
    async sampling(client, space) {
        const got = answered(await client.call(`${space}.sample`, { tag: "q" }));
        assert.equal(got.content.text, "re: q");
    },
    async roots(client, space) {
        const got = answered(await client.call(`${space}.roots`));
        assert.deepEqual(got.roots, ANSWERS.roots().roots);
    },
    async logging(client, space) {
        const mine = tag();
        await client.level("info");
        await client.call(`${space}.log`, { tag: mine });
        const is_mine = ({ params }) => String(params?.data).startsWith(mine);
        await client.heard.wait("the last message", (each) =>
            is_mine(each) && each.params.level === "error");
        const heard = client.heard.all("notifications/message").filter(is_mine);
        assert.deepEqual(heard.map(({ params }) => params.level), ["info", "warning", "error"]);
        assert.ok(heard.every(({ params }) => params.logger.startsWith(space)));
    },
    async list_changed(client, space) {
        const mine = tag();
        const has = async () => (await client.list("tools")).some(
            ({ name }) => name === `${space}.extra-${mine}`);
        await client.news({ toolsListChanged: true });
        let seen = client.heard.all(LISTED).length;
        await client.call(`${space}.add`, { tag: mine });
        do {  // others change their lists at the same time
            await client.heard.wait(LISTED, () => client.heard.all(LISTED).length > seen);
            seen = client.heard.all(LISTED).length;
        } while (!await has());
    },
    async updated(client, space) {
        const uri = `${space}://note`;
        await client.news({ resourceSubscriptions: [uri] });
        await client.call(`${space}.touch`);
        await client.heard.wait(`an update of ${uri}`, ({ method, params }) =>
            method === "notifications/resources/updated" && params.uri === uri);
    },
};

/// What a revision does not have.
const LACKS = { "2024-11-05": ["elicitation"] };

async function cells_of(client, space) {
    const found = {};
    for (const [cell, walk] of Object.entries(CELLS)) {
        if (LACKS[client.revision]?.includes(cell)) {
            found[cell] = "no such thing";
        } else {
            found[cell] = await walk(client, space).then(
                () => "ok", (error) => `FAILED: ${error.message}`);
        }
    }
    return found;
}

/// Space → cell → "ok", "no such thing" or what went wrong; all servers at once.
export async function walk(client, spaces) {
    const found = await Promise.all(spaces.map(
        async (space) => [space, await cells_of(client, space)]));
    return Object.fromEntries(found);
}
