// Starts, on loopback, what the tests of the Bluesky channel speak to, and ends with the process that started it:
// a real PLC directory, a real PDS, and, for what only an AppView and the chat service tell, a strict stand-in. The
// stand-in is built with AT protocol's own server library over the published lexicons: it refuses what does not fit
// them, in requests and in its own answers, and it verifies the signed tokens with which the PDS forwards.
// Before the PDS stands a door that counts, and fails as a test wishes.
import http from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

// The servers find their packages where `tests/install_pds.sh` put them.
import { schemas } from '@atproto/api'
import { Secp256k1Keypair } from '@atproto/crypto'
import { IdResolver } from '@atproto/identity'
import { PDS, envToCfg, envToSecrets } from '@atproto/pds'
import { InvalidRequestError, XRPCError, createServer, verifyJwt } from '@atproto/xrpc-server'
import * as plc from '@did-plc/lib'
import { Database as Directory, PlcServer } from '@did-plc/server'

const folder = mkdtempSync(path.join(tmpdir(), 'klinke-pds-'))
const listening = (server, port = 0) =>
  new Promise((done) => server.listen(port, '127.0.0.1', () => done(server.address().port)))
const freePort = async () => {
  const probe = http.createServer()
  const port = await listening(probe)
  await new Promise((done) => probe.close(done))
  return port
}
const hex = (letter) => letter.repeat(64)

// The directory and the PDS

const directory = PlcServer.create({ db: Directory.mock(), port: await freePort() })
await directory.start()
const directoryUrl = `http://localhost:${directory.server.address().port}`
const doorPort = await freePort()
const doorUrl = `http://localhost:${doorPort}`
const pdsPort = await freePort()
const viewPort = await freePort()
const viewDid = 'did:web:view.test'

async function registered(services) {
  const key = await Secp256k1Keypair.create()
  const operation = await plc.addSignature(
    {
      type: 'plc_operation',
      rotationKeys: [key.did()],
      verificationMethods: { atproto: key.did() },
      alsoKnownAs: [],
      services,
      prev: null,
    },
    key,
  )
  const did = await plc.didForCreateOp(operation)
  await new plc.Client(directoryUrl).sendOperation(did, operation)
  return did
}
const chatDid = await registered({
  bsky_chat: { type: 'BskyChatService', endpoint: `http://localhost:${viewPort}` },
})

const env = {
  port: pdsPort,
  hostname: 'localhost',
  devMode: true,
  dataDirectory: folder,
  blobstoreDiskLocation: path.join(folder, 'blobs'),
  blobUploadLimit: 5 * 1024 * 1024,
  didPlcUrl: directoryUrl,
  inviteRequired: false,
  disableSsrfProtection: true,
  bskyAppViewUrl: `http://localhost:${viewPort}`,
  bskyAppViewDid: viewDid,
  serviceHandleDomains: ['.test'],
  jwtSecret: hex('1'),
  adminPassword: hex('2'),
  dpopSecret: hex('3'),
  plcRotationKeyK256PrivateKeyHex: hex('4'),
  crawlers: [],
  rateLimitsEnabled: false,
}
const config = envToCfg(env)
config.service.publicUrl = doorUrl
const pds = await PDS.create(config, envToSecrets(env))
await pds.start()

// The door before the PDS

const WRITES = new Set(['com.atproto.repo.createRecord', 'com.atproto.repo.putRecord', 'chat.bsky.convo.sendMessage'])
const state = { troubles: [], readingTrouble: null, shutOut: false, closed: false, expired: 0, limits: null, requests: 0, attempts: 0, log: [] }
const refusals = {
  429: [429, { 'ratelimit-limit': '100', 'ratelimit-remaining': '0', 'retry-after': '60' }, 'RateLimitExceeded'],
  500: [500, {}, 'InternalServerError'],
  'not let in': [401, {}, 'AuthenticationRequired'],
}

function refuse(response, what) {
  const [status, headers, error] = refusals[what]
  response.writeHead(status, {
    'content-type': 'application/json',
    ...headers,
    ...(status === 429 ? { 'ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 60) } : {}),
  })
  response.end(JSON.stringify({ error, message: 'as the test wishes' }))
}

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

function forward(request, body) {
  return new Promise((done, fail) => {
    const onward = http.request(
      { host: '127.0.0.1', port: pdsPort, method: request.method, path: request.url, headers: request.headers },
      async (answer) => done({ status: answer.statusCode, headers: answer.headers, body: await bodyOf(answer) }),
    )
    onward.on('error', fail)
    onward.end(body)
  })
}

const door = http.createServer(async (request, response) => {
  state.requests += 1
  const method = request.url.split('?')[0].replace('/xrpc/', '')
  state.log.push({ method, url: request.url, verb: request.method, headers: request.headers })
  const body = await bodyOf(request)
  let trouble = null
  if (WRITES.has(method)) {
    state.attempts += 1
    trouble = state.troubles.shift() ?? null
  } else if (method === 'app.bsky.notification.listNotifications') {
    trouble = state.readingTrouble
    state.readingTrouble = null
  }
  if (trouble === 'not let in') state.shutOut = true
  if (state.expired > 0 && request.headers.authorization && !method.startsWith('com.atproto.server.')) {
    state.expired -= 1
    response.writeHead(400, { 'content-type': 'application/json' })
    return response.end(JSON.stringify({ error: 'ExpiredToken', message: 'Token has expired' }))
  }
  if (state.shutOut) return refuse(response, 'not let in')
  if (trouble === 'timeout') return request.socket.destroy()
  if (trouble === 'refused') return refuse(response, 429)
  if (refusals[trouble]) return refuse(response, trouble)
  const answer = await forward(request, body)
  if (trouble === 'lost answer') return request.socket.destroy()
  response.writeHead(answer.status, { ...answer.headers, ...(state.limits ?? {}) })
  if (trouble === 'half') {
    response.write(answer.body.subarray(0, Math.floor(answer.body.length / 2)))
    setTimeout(() => request.socket.destroy(), 20)
    return
  }
  response.end(answer.body)
})
door.on('connection', (socket) => state.closed && socket.destroy())
// What is upgraded is the firehose: bytes both ways.
door.on('upgrade', (request, socket, head) => {
  const onward = http.request({ host: '127.0.0.1', port: pdsPort, path: request.url, headers: request.headers })
  onward.on('upgrade', (answer, other, first) => {
    const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`)
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
    if (first.length) socket.write(first)
    if (head.length) other.write(head)
    socket.pipe(other).pipe(socket)
    for (const one of [socket, other]) one.on('error', () => (socket.destroy(), other.destroy()))
  })
  onward.on('error', () => socket.destroy())
  onward.end()
})
await listening(door, doorPort)

// What only an AppView and the chat service tell

const resolver = new IdResolver({ plcUrl: directoryUrl })
const view = createServer(schemas, { validateResponse: true })
const posts = new Map() // uri -> {uri, cid, did, record, indexedAt}
const people = new Map() // did -> {handle, name, followers, allows, follows}
const notices = new Map() // did -> [{uri, reason, at}]
const convos = new Map() // id -> {id, members, messages, status}
const logs = new Map() // did -> [entry]
let revision = 0
const nextRevision = () => `rev${String((revision += 1)).padStart(9, '0')}`

const asWhom = (expected) => async ({ req }) => {
  const [kind, token] = (req.headers.authorization ?? '').split(' ')
  if (kind !== 'Bearer' || !token) throw new XRPCError(401, 'no token', 'AuthMissing')
  const method = req.originalUrl.split('?')[0].replace('/xrpc/', '')
  const { iss } = await verifyJwt(token, expected, method, (did, again) => resolver.did.resolveAtprotoKey(did, again))
  return { credentials: { did: iss } }
}
const method = (nsid, aud, answer) =>
  view.method(nsid, {
    auth: asWhom(aud),
    handler: async ({ params, input, auth }) => ({
      encoding: 'application/json',
      body: await answer(auth.credentials.did, params, input?.body),
    }),
  })
const profile = (did) => {
  const one = people.get(did)
  if (!one) throw new InvalidRequestError(`unknown person ${did}`)
  return { did, handle: one.handle, ...(one.name ? { displayName: one.name } : {}) }
}
const postView = (post, viewer) => ({
  $type: 'app.bsky.feed.defs#postView',
  uri: post.uri,
  cid: post.cid,
  author: profile(post.did),
  record: post.record,
  indexedAt: post.indexedAt,
  replyCount: [...posts.values()].filter((other) => other.record.reply?.parent.uri === post.uri).length,
  viewer: people.get(post.did).closed && viewer !== post.did ? { replyDisabled: true } : {},
})

method('app.bsky.notification.listNotifications', viewDid, (did, params) => {
  const wanted = (notices.get(did) ?? [])
    .filter((one) => posts.has(one.uri))
    .filter((one) => !params.reasons || params.reasons.includes(one.reason))
    .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.uri < b.uri ? 1 : -1))
  const before = params.cursor
  if (before && !before.includes('::')) throw new InvalidRequestError('malformed cursor')
  const rest = before ? wanted.filter((one) => `${one.at}::${one.uri}` < before) : wanted
  const page = rest.slice(0, params.limit)
  const last = page.at(-1)
  return {
    ...(last && rest.length > page.length ? { cursor: `${last.at}::${last.uri}` } : {}),
    notifications: page.map((one) => {
      const post = posts.get(one.uri)
      return {
        uri: post.uri,
        cid: post.cid,
        author: profile(post.did),
        reason: one.reason,
        record: post.record,
        isRead: false,
        indexedAt: one.at,
      }
    }),
  }
})
method('app.bsky.feed.getPosts', viewDid, (did, params) => ({
  posts: params.uris.filter((uri) => posts.has(uri)).map((uri) => postView(posts.get(uri), did)),
}))
method('app.bsky.actor.getProfiles', viewDid, (_did, params) => ({
  profiles: params.actors
    .filter((one) => people.has(one))
    .map((one) => ({ ...profile(one), followersCount: people.get(one).followers ?? 0 })),
}))
method('app.bsky.feed.getPostThread', viewDid, (did, params) => {
  const above = (uri, height) => {
    const post = posts.get(uri)
    if (!post) return { $type: 'app.bsky.feed.defs#notFoundPost', uri, notFound: true }
    const parent = post.record.reply?.parent.uri
    return {
      $type: 'app.bsky.feed.defs#threadViewPost',
      post: postView(post, did),
      ...(parent && height > 0 ? { parent: above(parent, height - 1) } : {}),
    }
  }
  if (!posts.has(params.uri)) throw new InvalidRequestError(`Post not found: ${params.uri}`, 'NotFound')
  return { thread: above(params.uri, params.parentHeight) }
})

const convoView = (convo, did) => ({
  id: convo.id,
  rev: convo.rev,
  members: convo.members.map(profile),
  ...(convo.messages.length ? { lastMessage: messageView(convo.messages.at(-1)) } : {}),
  muted: false,
  status: convo.accepted.has(did) ? 'accepted' : 'request',
  unreadCount: 0,
})
const messageView = (message) => ({
  $type: 'chat.bsky.convo.defs#messageView',
  id: message.id,
  rev: message.rev,
  text: message.text,
  ...(message.facets ? { facets: message.facets } : {}),
  sender: { did: message.did },
  sentAt: message.at,
})
const mayWrite = (from, to) => {
  const allows = people.get(to)?.allows ?? 'following'
  return allows === 'all' || (allows === 'following' && (people.get(to)?.follows ?? []).includes(from))
}
const others = (did, members) => {
  const rest = members.filter((one) => one !== did)
  if (rest.length !== 1) throw new InvalidRequestError('a conversation of two')
  if (!people.has(rest[0])) throw new InvalidRequestError('recipient not found', 'RecipientNotFound')
  return rest[0]
}
const convoOf = (a, b) => [...convos.values()].find((one) => one.members.includes(a) && one.members.includes(b))
const opened = (a, b) => {
  const id = `convo${convos.size + 1}x${a.slice(-6)}`
  const convo = { id, rev: nextRevision(), members: [a, b], messages: [], accepted: new Set([a]) }
  convos.set(id, convo)
  note(convo, 'logBeginConvo', {})
  return convo
}
const note = (convo, kind, more) => {
  convo.rev = nextRevision()
  for (const did of convo.members) {
    const entry = { $type: `chat.bsky.convo.defs#${kind}`, rev: convo.rev, convoId: convo.id, ...more }
    logs.set(did, [...(logs.get(did) ?? []), entry])
  }
}
const mine = (did, convoId) => {
  const convo = convos.get(convoId)
  if (!convo?.members.includes(did)) throw new InvalidRequestError('no such conversation', 'InvalidConvo')
  return convo
}
const written = (convo, did, { text, facets }, at = new Date().toISOString()) => {
  const message = { id: `m${nextRevision()}`, did, text, facets, at }
  convo.messages.push(message)
  convo.accepted.add(did)
  note(convo, 'logCreateMessage', {})
  message.rev = convo.rev
  for (const member of convo.members) logs.get(member).at(-1).message = messageView(message)
  return message
}

method('chat.bsky.convo.getConvoAvailability', chatDid, (did, params) => {
  const other = others(did, params.members)
  const convo = convoOf(did, other)
  return { canChat: Boolean(convo) || mayWrite(did, other), ...(convo ? { convo: convoView(convo, did) } : {}) }
})
method('chat.bsky.convo.getConvoForMembers', chatDid, (did, params) => {
  const other = others(did, params.members)
  const convo = convoOf(did, other)
  if (!convo && people.get(other).allows === 'none') {
    throw new InvalidRequestError('recipient has disabled incoming messages', 'MessagesDisabled')
  }
  if (!convo && !mayWrite(did, other)) {
    throw new InvalidRequestError('recipient requires incoming messages to come from someone they follow', 'NotFollowedBySender')
  }
  return { convo: convoView(convo ?? opened(did, other), did) }
})
method('chat.bsky.convo.getConvo', chatDid, (did, params) => ({ convo: convoView(mine(did, params.convoId), did) }))
method('chat.bsky.convo.listConvos', chatDid, (did, params) => ({
  convos: [...convos.values()]
    .filter((one) => one.members.includes(did))
    .sort((a, b) => (a.rev < b.rev ? 1 : -1))
    .slice(0, params.limit)
    .map((one) => convoView(one, did)),
}))
method('chat.bsky.convo.getMessages', chatDid, (did, params) => {
  const newestFirst = [...mine(did, params.convoId).messages].reverse()
  const rest = params.cursor ? newestFirst.filter((one) => one.rev < params.cursor) : newestFirst
  const page = rest.slice(0, params.limit)
  return {
    ...(rest.length > page.length ? { cursor: page.at(-1).rev } : {}),
    messages: page.map(messageView),
  }
})
method('chat.bsky.convo.getLog', chatDid, (did, params) => {
  const page = (logs.get(did) ?? []).filter((one) => !params.cursor || one.rev > params.cursor).slice(0, 50)
  return { logs: page, cursor: page.at(-1)?.rev ?? params.cursor ?? '' }
})
method('chat.bsky.convo.sendMessage', chatDid, (did, _params, body) =>
  messageView(written(mine(did, body.convoId), did, body.message)),
)

// What a test says, behind everybody's back

const commands = {
  reset: () => Object.assign(state, { troubles: [], readingTrouble: null, shutOut: false, closed: false, expired: 0, limits: null, log: [] }),
  door: (told) => Object.assign(state, told),
  counts: () => ({ requests: state.requests, attempts: state.attempts, log: state.log }),
  person: ({ did, ...told }) => people.set(did, { ...(people.get(did) ?? {}), ...told }),
  post: (told) => posts.set(told.uri, told),
  unpost: ({ uri }) => posts.delete(uri),
  notice: ({ did, uri, reason, at }) => notices.set(did, [...(notices.get(did) ?? []), { uri, reason, at }]),
  write: ({ from, to, text, at }) =>
    messageView(written(convoOf(from, to) ?? opened(from, to), from, { text }, at)),
  stranger: async ({ endpoint, ...told }) => {
    const did = await registered({ atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint } })
    people.set(did, told)
    return { did }
  },
  convo: ({ a, b }) => {
    const convo = convoOf(a, b)
    return convo ? { id: convo.id, messages: convo.messages } : null
  },
}
view.router.post('/control/:command', async (request, response) => {
  const told = JSON.parse((await bodyOf(request)).toString() || '{}')
  const outcome = await commands[request.params.command](told)
  response.json(request.params.command === 'counts' || !(outcome instanceof Map) ? (outcome ?? null) : null)
})
await listening(http.createServer(view.router), viewPort)

const end = () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
}
process.stdin.on('end', end).on('close', end).resume()
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, end)
setTimeout(end, Number(process.env.LONGEST_SECONDS ?? 1800) * 1000).unref()
console.log(JSON.stringify({ pds: doorUrl, directory: directoryUrl, control: `http://localhost:${viewPort}`, home: `http://localhost:${pdsPort}`, chatDid }))
