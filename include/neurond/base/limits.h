#ifndef NEUROND_BASE_LIMITS_H
#define NEUROND_BASE_LIMITS_H

// Every compile-time bound of the program, by module, with its reason. What an operator
// may wish to change is not here but in the configuration (conf/schema.cc).

#include <cstddef>
#include <cstdint>

namespace neuron {

// base
constexpr size_t kSmallBytes = 4096;  ///< slices under this are copied, not shared
constexpr size_t kMinGatherBytes = 4096;       ///< first block small pieces gather in
constexpr size_t kMaxGatherBytes = 64 * 1024;  ///< where doubling of those blocks ends
constexpr size_t kMaxLogLineBytes = 4096;      ///< PIPE_BUF: one write, whole or not at all
constexpr size_t kMinSecretBytes = 6;  ///< what is shorter is not looked for
constexpr size_t kMaxKnownSecrets = 4096;
constexpr size_t kMaxSameLines = 10;           ///< of one text in the log, in …
constexpr int64_t kSameLineMillis = 5000;      ///< … so long; more of them are counted
constexpr size_t kMaxHostBytes = 253;          ///< RFC 1035: a name of the DNS in text

// loop: budgets of one event, so that one peer cannot starve the rest
constexpr size_t kReadBudgetBytes = 64 * 1024;
constexpr size_t kWriteBudgetBytes = 64 * 1024;
constexpr int kAcceptBudget = 16;
constexpr size_t kMaxHelperMessageBytes = 64 * 1024;  ///< one datagram to or from a helper
constexpr size_t kMaxKeptOfferBytes = 60 * 1024;  ///< of a list kept in a file by a helper

// wire
constexpr size_t kMaxEnvelopeMembers = 1024;  ///< keys of a level that is read; MCP has ~10
constexpr size_t kMaxTargetBytes = 8000;      ///< RFC 9112 section 3 asks for at least that
constexpr size_t kMaxMethodBytes = 32;        ///< registered ones have at most 17
constexpr size_t kMaxHttpFields = 128;
constexpr size_t kMaxOversizeIdBytes = 1100;  ///< of a message over message_max
constexpr size_t kMaxChunkLineBytes = 256;    ///< chunk size with extensions
constexpr size_t kMaxChunkOverheadBytes = 16 * 1024;  ///< all extensions of one body
constexpr size_t kMaxTrailerBytes = 8 * 1024;

// conf
constexpr size_t kMaxConfigBytes = 4 * 1024 * 1024;  ///< one file; includes count apart
constexpr size_t kMaxSecretBytes = 1024 * 1024;      ///< one ${file:} or ${credential:}
constexpr size_t kMaxIncludeDepth = 16;
constexpr size_t kMaxConfigFiles = 1024;   ///< all includes together
constexpr size_t kMaxDiagnostics = 100;    ///< beyond that nobody reads them
constexpr size_t kMaxListeners = 64;       ///< [listener NAME]; they go in one message
constexpr size_t kMaxNamespaceBytes = 64;  ///< also of rule IDs; DESIGN 1.5

// net: back-pressure marks of an output queue
constexpr size_t kHighWaterBytes = 256 * 1024;
constexpr size_t kLowWaterBytes = 64 * 1024;
constexpr int kHandshakesPerTurn = 4;         ///< steps of TLS; one may cost 2 ms
constexpr size_t kMaxPeerNameBytes = 256;     ///< of a name in a certificate
constexpr size_t kUrgentConnections = 4;  ///< beyond max_connections: answers, cancels

// cli
constexpr size_t kMaxHostToolsLineBytes = 1024 * 1024;  ///< its longest request has ~300
constexpr size_t kMaxPumpBytes = 64 * 1024;             ///< of `connect`, a direction
constexpr size_t kMaxProcFileBytes = 4 * 1024 * 1024;   ///< mountinfo of a container host
constexpr size_t kMaxControlReplyBytes = 256 * 1024 * 1024;  ///< far over message_max

// mcp
constexpr size_t kMaxItems = 10000;                   ///< of a kind, of one downstream
constexpr size_t kMaxUriBytes = 8192;                 ///< of a resource or a template
constexpr size_t kMaxUriSightings = 1024;             ///< unlisted URIs known of a server
constexpr size_t kMaxMatchedTemplates = 1000;         ///< of a server, tried for a URI
constexpr size_t kMaxInstructionsBytes = 4096;        ///< of one server, for clients
constexpr size_t kMaxAllInstructionsBytes = 32 * 1024;  ///< of all servers together
constexpr size_t kMaxOfferBytes = 64 * 1024 * 1024;   ///< of one downstream's list
constexpr size_t kMaxOwnCatalogs = 128;  ///< different ones, of sessions with own lists
constexpr size_t kMaxOwnOffers = 4096;   ///< kept of a server, for callers with their own
constexpr size_t kMaxSessionQuestions = 16;  ///< open, to a session, outside any call
constexpr size_t kMaxListWaits = 4096;   ///< lists that wait for a starting server
constexpr size_t kMaxOfferProblems = 32;              ///< of a list that are logged
constexpr size_t kMaxAuditTailBytes = 32 * 1024 * 1024;  ///< searched for a last record
constexpr size_t kMaxToolNameBytes = 128;             ///< of a full name (mcp-protocol 4.3)
constexpr size_t kMaxSessionRecords = 65536;  ///< sessions of which is known what became
constexpr size_t kMaxSessionRecordBytes = 8 * 1024 * 1024;  ///< of URIs subscribed to
constexpr size_t kMaxSessionJournalBytes = 256 * 1024 * 1024;  ///< is no such file
constexpr size_t kMaxResourceSubscriptions = 1024;  ///< of a session or a listen
constexpr size_t kMaxClosedStreams = 64;  ///< of a session, that can still be replayed
constexpr size_t kMaxReplayBytes = 64 * 1024 * 1024;  ///< of all sessions together
constexpr int kMaxSealedDays = 7;  ///< a session id means something to a later reactor

constexpr size_t kMaxOpenQuestions = 64;  ///< of one call; servers ask one to three
constexpr size_t kMaxParkedBytes = 64 * 1024 * 1024;  ///< kept for clients that come back

constexpr size_t kMaxRateBuckets = 16384;  ///< clients whose requests are counted

// back: what is kept and logged of a child's stderr
constexpr size_t kStderrTailLines = 50;
constexpr size_t kStderrLineBytes = 1024;
constexpr unsigned kStderrLogLinesPerSecond = 100;
constexpr size_t kMaxCrashReports = 100;  ///< files in state_dir/crashes
constexpr size_t kMaxCrashReportBytes = 60 * 1024;  ///< one request to the writer
constexpr size_t kAlertCommands = 8;    ///< running at a time
constexpr size_t kHistoryEntries = 50;  ///< ends of a downstream that are remembered
constexpr unsigned kMaxListPages = 1000;  ///< of one tools/list; a cursor loop ends here
constexpr size_t kMaxServerSessionIdBytes = 1024;  ///< of an HTTP server's session id
constexpr size_t kMaxEndpointBytes = 4096;         ///< of an `endpoint` event

// front
constexpr size_t kOperatorConnections = 64;  ///< on Unix sockets, beyond limits.connections
/// Of handshakes that fail, and of callers who are not let in: anybody can cause them.
constexpr unsigned kStrangerLogLinesPerSecond = 20;
constexpr size_t kMaxBatch = 100;            ///< messages of one JSON-RPC batch

// daemon
constexpr size_t kMaxParcelFds = 80;            ///< listeners and our own sockets
constexpr size_t kMaxParcelNames = 8 * 1024;  ///< bytes of their names
constexpr size_t kMaxEventListeners = 16;  ///< who follow what changes
constexpr size_t kSpareDescriptors = 256;  ///< not for clients: children, files, sockets

}  // namespace neuron

#endif
