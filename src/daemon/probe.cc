// `neurond -t --probe`: the downstreams of a configuration, started and stopped by the same
// supervisor that the daemon has, with nothing around it.

#include "neurond/daemon/probe.h"

#include <sys/prctl.h>

#include <algorithm>
#include <set>

#include "neurond/back/supervisor.h"
#include "neurond/base/log.h"
#include "neurond/daemon/settings.h"
#include "neurond/loop/child.h"
#include "neurond/loop/event_loop.h"
#include "neurond/loop/helper.h"
#include "neurond/loop/signals.h"
#include "neurond/mcp/audit.h"
#include "neurond/mcp/router.h"
#include "neurond/net/resolver_cache.h"

namespace neuron {

namespace {

constexpr int kSweepMillis = 2000;

/// In the order of the members of a Reactor.
class Probe final : private SignalSink, private SupervisorOwner, private CallObserver {
  public:
    Probe(const CheckedConfig& checked, const std::function<void(const ProbeRow&)>& told)
        : told_(told),
          signals_(loop_, static_cast<SignalSink&>(*this)),
          writer_(loop_, children_, HelperRole::kWriter),
          resolver_(loop_, children_, HelperRole::kResolver),
          names_(loop_,
                 [this](const std::string& host, Helper::Answer done) {
                     resolver_.request(resolver_request(host), -1, std::move(done));
                 }),
          audit_(loop_, writer_, no_audit()),
          supervisor_(loop_, children_, names_, supervisor_settings(*checked.config),
                      static_cast<SupervisorOwner&>(*this)),
          router_(loop_, parties_, audit_, supervisor_,
                  static_cast<CallObserver&>(*this), router_limits(*checked.config)) {
        router_.set_rules({CatalogBuilder().build("."),
                           std::make_shared<const Policy>(Policy::from(*checked.config)),
                           {}});
        for (DownstreamSettings& each :
             downstream_settings(*checked.config, checked.tls)) {
            each.on_demand = false;
            each.upkeep.life.restart = LifecycleSettings::Restart::kNever;
            each.upkeep.alarm_crashes = 0;
            supervisor_.add(router_, std::move(each));
        }
    }

    std::vector<ProbeRow> run() {
        began_ = loop_.now();
        supervisor_.start();
        if (!supervisor_.downstreams().empty()) {
            loop_.on_turn([this](TimePoint::duration) { look(); });
            loop_.run();
        }
        kill_descendants(0, kSweepMillis);
        return std::move(rows_);
    }

  private:
    static AuditSettings no_audit() {
        AuditSettings settings;
        settings.path = "none";
        return settings;
    }

    void on_terminate() override { stop(); }
    void on_reload() override {}
    void on_reopen() override {}
    void on_child() override { children_.reap(); }
    void on_catalog(std::shared_ptr<const Catalog> catalog, bool) override {
        router_.set_catalog(std::move(catalog));
    }
    void on_own_lists_changed() override {}
    void on_resource_updated(const ResourcePlace&) override {}
    void on_subscribed(const ResourcePlace&, const Answer&) override {}
    void on_all_resolved() override {}
    void on_call_done(const Call&, const CallEnd&) override {}
    void on_blocked(std::string_view) override {}

    void look() {
        if (stopping_) {
            return;
        }
        for (const auto& each : supervisor_.downstreams()) {
            if (each->resolved() && seen_.insert(each->name()).second) {
                add_row(*each);
            }
        }
        if (supervisor_.all_resolved()) {
            stop();
        }
    }

    void add_row(const Downstream& each) {
        ProbeRow row;
        row.name = each.name();
        row.state = to_string(each.state());
        row.good = is_serving(each.state()) || each.state() == LifeState::kDisabled;
        row.revision = each.revision();
        if (const auto& offer = each.offer(); offer != nullptr) {
            const auto count = [&offer](ItemKind kind) {
                return offer->of(kind).items.size();
            };
            row.tools = count(ItemKind::kTool);
            row.prompts = count(ItemKind::kPrompt);
            row.resources = count(ItemKind::kResource) + count(ItemKind::kTemplate);
        }
        row.took = std::chrono::duration_cast<Millis>(loop_.now() - began_);
        row.error = row.good ? "" : each.last_error();
        if (!row.good && row.error.empty()) {
            row.error = each.reason();
        }
        told_(row);
        rows_.push_back(std::move(row));
    }

    void stop() {
        if (!stopping_) {
            stopping_ = true;
            supervisor_.stop([this] { loop_.stop(); });
        } else {
            supervisor_.kill();
            loop_.stop();
        }
    }

    const std::function<void(const ProbeRow&)>& told_;
    EventLoop loop_;
    Parties parties_;
    Children children_;
    Signals signals_;
    Helper writer_;
    Helper resolver_;
    ResolverCache names_;
    AuditLog audit_;
    Supervisor supervisor_;
    Router router_;
    TimePoint began_;
    std::set<std::string> seen_;
    std::vector<ProbeRow> rows_;
    bool stopping_ = false;
};

}  // namespace

std::vector<ProbeRow> probe_downstreams(const CheckedConfig& checked,
                                        const std::function<void(const ProbeRow&)>& told) {
    block_signals();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    return Probe(checked, told).run();
}

}  // namespace neuron
