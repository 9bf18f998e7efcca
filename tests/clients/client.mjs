// A Matrix client for the tests: matrix-js-sdk with its Rust crypto, spoken to in lines of JSON.
//
//   in   {"id": 1, "do": "say", "with": {"room": "!r", "text": "hello"}}
//   out  {"id": 1, "gives": {"event": "$e"}}     or  {"id": 1, "fails": "M_FORBIDDEN: …"}
//   out  {"saw": {…}}                            each event of a room: when it arrived, and again once it could be read

import readline from "node:readline";

// Whatever the library prints must not get between our lines.
for (const name of ["log", "info", "debug", "trace", "warn"]) console[name] = () => {};
console.error = (...words) => process.stderr.write(`${words.join(" ")}\n`);

const sdk = await import("matrix-js-sdk");
const { EventShieldColour, EventShieldReason, OnlySignedDevicesIsolationMode } = await import(
    "matrix-js-sdk/lib/crypto-api/index.js"
);
const { PollResponseEvent } = await import("matrix-js-sdk/lib/extensible_events_v1/PollResponseEvent.js");
const { M_POLL_RESPONSE } = await import("matrix-js-sdk/lib/@types/polls.js");
const MEGOLM = "m.megolm.v1.aes-sha2";
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent };

let client = null;
let password = "";

function put(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
}

// --- what is seen ---------------------------------------------------------------------------------------------------

async function shieldOf(event) {
    const info = event.isEncrypted() ? await client.getCrypto().getEncryptionInfoForEvent(event) : null;
    if (info === null) return null;
    return {
        colour: EventShieldColour[info.shieldColour],
        reason: info.shieldReason === null ? null : EventShieldReason[info.shieldReason],
    };
}

async function show(event) {
    if (!event.getRoomId() || event.status !== null || !event.getId()) return;
    put({
        saw: {
            id: event.getId(),
            room: event.getRoomId(),
            sender: event.getSender(),
            type: event.getType(),
            content: event.getContent(),
            redacts: event.getAssociatedId() ?? null,
            thread: event.threadRootId ?? null,
            encrypted: event.isEncrypted(),
            session: event.getWireContent().session_id ?? null,
            failure: event.isDecryptionFailure() ? event.decryptionFailureReason : null,
            shield: await shieldOf(event),
        },
    });
}

async function seen(event) {
    if (event.isEncrypted()) {
        // What is shown here is the last attempt; a later one is announced by 'Event.decrypted'.
        await client.decryptEventIfNeeded(event);
        if (event.isDecryptionFailure()) await show(event);
    } else {
        await show(event);
    }
}

// --- what can be asked for ------------------------------------------------------------------------------------------

function textual(text) {
    return { msgtype: "m.text", body: text };
}

const deeds = {
    // Log in with a device of its own and come up; returns once the first sync is there.
    async login({ homeserver, user, pass, onlySigned = false }) {
        const door = sdk.createClient({ baseUrl: homeserver, logger: silent });
        const found = await door.loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user },
            password: pass,
            initial_device_display_name: "matrix-js-sdk",
        });
        password = pass;
        client = sdk.createClient({
            baseUrl: homeserver,
            userId: found.user_id,
            deviceId: found.device_id,
            accessToken: found.access_token,
            logger: silent,
            cryptoCallbacks: {},
        });
        await client.initRustCrypto({ useIndexedDB: false });
        if (onlySigned) client.getCrypto().setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
        client.on(sdk.ClientEvent.Event, seen);
        client.on(sdk.MatrixEventEvent.Decrypted, show);
        const ready = new Promise((resolve) => {
            client.on(sdk.ClientEvent.Sync, (state) => state === "PREPARED" && resolve());
        });
        await client.startClient({ initialSyncLimit: 30, threadSupport: true, pollTimeout: 10000 });
        await ready;
        return { user: found.user_id, device: found.device_id };
    },

    // Publish cross-signing keys and sign this device with them, as Element does for a new account.
    async crossSign() {
        const user = client.getUserId();
        await client.getCrypto().bootstrapCrossSigning({
            authUploadDeviceSigningKeys: (request) =>
                request({ type: "m.login.password", identifier: { type: "m.id.user", user }, password }),
        });
        return {};
    },

    async createRoom({ invite = [], encrypted = false, direct = false, rotation = null, history = null }) {
        const content = rotation === null ? {} : { rotation_period_msgs: rotation };
        const state = [];
        if (encrypted) {
            state.push({ type: "m.room.encryption", state_key: "", content: { algorithm: MEGOLM, ...content } });
        }
        if (history !== null) {
            state.push({ type: "m.room.history_visibility", state_key: "", content: { history_visibility: history } });
        }
        const made = await client.createRoom({
            invite,
            is_direct: direct,
            preset: direct ? "trusted_private_chat" : "private_chat",
            initial_state: state,
        });
        return { room: made.room_id };
    },

    async join({ room, via = [] }) {
        return { room: (await client.joinRoom(room, { viaServers: via })).roomId };
    },

    async invite({ room, user }) {
        await client.invite(room, user);
        return {};
    },

    // Membership by user id, as this client knows it.
    async members({ room }) {
        const members = client.getRoom(room)?.getMembers() ?? [];
        return { members: Object.fromEntries(members.map((member) => [member.userId, member.membership])) };
    },

    async rooms() {
        return { rooms: Object.fromEntries(client.getRooms().map((room) => [room.roomId, room.getMyMembership()])) };
    },

    // Whether this client is in the room, and ready to encrypt in it where it is encrypted.
    async isIn({ room }) {
        const found = client.getRoom(room);
        if (found?.getMyMembership() !== "join") return { so: false };
        const encrypted = found.hasEncryptionStateEvent();
        return { so: !encrypted || (await client.getCrypto().isEncryptionEnabledInRoom(room)) };
    },

    async say({ room, text }) {
        return { event: (await client.sendMessage(room, textual(text))).event_id };
    },

    async sayInThread({ room, root, text }) {
        return { event: (await client.sendMessage(room, root, textual(text))).event_id };
    },

    async edit({ room, event, text }) {
        const content = {
            ...textual(`* ${text}`),
            "m.new_content": textual(text),
            "m.relates_to": { rel_type: "m.replace", event_id: event },
        };
        return { event: (await client.sendMessage(room, content)).event_id };
    },

    async react({ room, event, key }) {
        const content = { "m.relates_to": { rel_type: "m.annotation", event_id: event, key } };
        return { event: (await client.sendEvent(room, "m.reaction", content)).event_id };
    },

    async send({ room, type, content }) {
        return { event: (await client.sendEvent(room, type, content)).event_id };
    },

    async redact({ room, event }) {
        return { event: (await client.redactEvent(room, event)).event_id };
    },

    // What an event says after edits and redaction, as this client would show it.
    async shown({ room, event }) {
        const found = client.getRoom(room)?.findEventById(event);
        if (!found) return { content: null };
        return { content: found.isRedacted() ? {} : found.getContent(), shield: await shieldOf(found) };
    },

    // The polls of a room as this client would show them, with the answers of those whose votes it counts.
    async polls({ room }) {
        const polls = [...(client.getRoom(room)?.polls.values() ?? [])];
        const shown = polls.map(async (poll) => {
            const votes = {};
            for (const vote of (await poll.getResponses()).getRelations()) {
                votes[vote.getSender()] = M_POLL_RESPONSE.findIn(vote.getContent())?.answers ?? null;
            }
            return {
                id: poll.pollId,
                question: poll.pollEvent.question.text,
                answers: poll.pollEvent.answers.map((answer) => answer.text),
                ids: poll.pollEvent.answers.map((answer) => answer.id),
                ended: poll.isEnded,
                votes,
            };
        });
        return { polls: await Promise.all(shown) };
    },

    async vote({ room, poll, answers }) {
        const { type, content } = PollResponseEvent.from(answers, poll).serialize();
        return { event: (await client.sendEvent(room, type, content)).event_id };
    },

    // How this client sees somebody, and each of their devices.
    async trust({ user }) {
        const crypto = client.getCrypto();
        const known = (await crypto.getUserDeviceInfo([user], true)).get(user) ?? new Map();
        const devices = {};
        for (const id of known.keys()) {
            const status = await crypto.getDeviceVerificationStatus(user, id);
            devices[id] = { signedByOwner: status?.signedByOwner ?? false };
        }
        const identity = await crypto.getUserVerificationStatus(user);
        return { known: identity.known ?? null, needsApproval: identity.needsUserApproval, devices };
    },

    async logout() {
        await client.logout(true);
        return {};
    },
};

// --- life -----------------------------------------------------------------------------------------------------------

async function answer(line) {
    const { id, do: deed, with: given = {} } = JSON.parse(line);
    try {
        put({ id, gives: await deeds[deed](given) });
    } catch (error) {
        put({ id, fails: `${error?.errcode ?? error?.name}: ${error?.message ?? error}` });
    }
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", answer);
lines.on("close", () => {
    client?.stopClient();
    process.exit(0);
});
put({ ready: process.versions.node });
