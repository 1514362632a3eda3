#ifndef NEUROND_DAEMON_VIEW_H
#define NEUROND_DAEMON_VIEW_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "neurond/back/supervisor.h"
#include "neurond/daemon/metrics_file.h"
#include "neurond/daemon/reloader.h"
#include "neurond/fleet/registrar.h"
#include "neurond/front/http_server.h"
#include "neurond/front/link_clients.h"
#include "neurond/mcp/audit.h"
#include "neurond/mcp/router.h"
#include "neurond/mcp/session.h"

namespace neuron {

class Telemetry;

/// What metrics and pages show of a running daemon, and the little they may ask of it.
class DaemonView {
  public:
    virtual const char* state() const noexcept = 0;  ///< starting, ready, draining
    virtual bool is_ready() const noexcept = 0;
    /// In force, but for what needs a restart: that is as in started_with().
    virtual const conf::Config& config() const = 0;
    virtual const conf::Config& started_with() const = 0;
    virtual const Supervisor& supervisor() const noexcept = 0;
    virtual const Router& router() const noexcept = 0;
    virtual const HttpServer& server() const noexcept = 0;
    /// Those who talk over links, by door.
    virtual std::vector<const LinkClients*> link_clients() const = 0;
    virtual const SessionStore& sessions() const noexcept = 0;
    virtual const std::string& node_id() const noexcept = 0;
    virtual const Registrar& registrar() const noexcept = 0;
    virtual const AuditLog& audit() const noexcept = 0;
    virtual const Telemetry& telemetry() const noexcept = 0;
    virtual const MetricsFile& metrics_file() const noexcept = 0;
    /// Brings the metrics of downstreams up to date.
    virtual void refresh_metrics() = 0;
    virtual void order(std::string_view server, ServerOrder order) = 0;
    /// As HUP does; `done` hears what became of it.
    virtual void ask_to_reload(bool dry_run, Reloader::Done done) = 0;
    /// As TERM does; patient: calls in flight may take as long as they take.
    virtual void ask_to_stop(bool patient) = 0;

  protected:
    ~DaemonView() = default;
};

/// Open connections of clients by door, each once: an event stream of the "sse" door is
/// one of the HTTP server's, too, but is not counted as one.
std::map<std::string, size_t> open_connections(const DaemonView& view);

/// What may be lost of that which is to be told about the daemon.
enum class DropKind { kAudit, kLog, kMetrics };
constexpr size_t kDropKinds = 3;
/// audit, log, metrics.
const char* to_string(DropKind kind) noexcept;
/// Records not written, lines not taken, times the file could not be written.
uint64_t dropped(const DaemonView& view, DropKind kind);

}  // namespace neuron

#endif
