#ifndef NEUROND_DAEMON_TELEMETRY_H
#define NEUROND_DAEMON_TELEMETRY_H

#include <ctime>
#include <map>
#include <string>
#include <string_view>

#include "neurond/base/clock.h"
#include "neurond/base/metrics.h"
#include "neurond/daemon/call_log.h"
#include "neurond/daemon/view.h"
#include "neurond/mcp/router.h"

namespace neuron {

/// The metric families of DESIGN 1.10 that exist so far.
class Telemetry final : public CallObserver {
  public:
    /// Both outlive this.
    Telemetry(Metrics& metrics, const DaemonView& view);

    void on_call_done(const Call& call, const CallEnd& end) override;
    void on_blocked(std::string_view rule) override { count_denied(std::string(rule), 1); }
    /// The certificates in use, in place of those before: files, and when each ends.
    void set_certificates(const std::map<std::string, std::time_t>& certificates);
    /// Forgets the series of a downstream that is gone.
    void forget(const std::string& downstream);
    /// Its counts begin at nought: another one of this name has taken its place.
    void begin_anew(const std::string& downstream);
    /// Of which calls there is a line in the log.
    void set_request_log(RequestLog which) noexcept { request_log_ = which; }
    /// How many tools are told by name; those that are keep it.
    void set_max_tools(size_t most) noexcept { max_tools_ = most; }
    /// The event loop took so long for a turn.
    void on_turn(TimePoint::duration took) noexcept { loop_lag_.observe(took); }
    /// Brings what is kept per downstream up to date; before each rendering.
    void refresh();
    /// How many calls clients of which revision have made.
    const std::map<Revision, uint64_t>& calls() const noexcept { return calls_; }

  private:
    struct PerTool {
        Counter* results[5] = {};
    };
    struct PerDownstream {
        Histogram* duration = nullptr;
        std::map<std::string, PerTool, std::less<>> tools;
    };

    void add_handshakes();
    void add_gauges();
    void add_counters();
    void count_denied(const std::string& rule, uint64_t times);
    void refresh_doors();
    void refresh_upkeep(const Downstream& each);
    PerDownstream& downstream(const std::string& name);
    Counter& counter(const Call& call, std::string_view result);

    Metrics& metrics_;
    const DaemonView& view_;
    Histogram& overhead_;
    Histogram& loop_lag_;
    std::map<std::string, PerDownstream, std::less<>> downstreams_;
    std::map<Revision, uint64_t> calls_;
    RequestLog request_log_ = RequestLog::kNo;
    size_t max_tools_ = 0;
    size_t tools_ = 0;  ///< label values given out
};

}  // namespace neuron

#endif
