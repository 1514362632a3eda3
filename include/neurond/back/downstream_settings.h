#ifndef NEUROND_BACK_DOWNSTREAM_SETTINGS_H
#define NEUROND_BACK_DOWNSTREAM_SETTINGS_H

#include <string>
#include <utility>
#include <vector>

#include "neurond/back/stdio_process.h"
#include "neurond/back/upkeep.h"
#include "neurond/base/clock.h"
#include "neurond/mcp/catalog.h"
#include "neurond/mcp/discovery.h"
#include "neurond/net/http_target.h"

namespace neuron {

class DisabledList;

/// How a downstream is reached.
enum class Transport { kStdio, kHttp, kSse };

class OfferFiles;

/// Who shares an instance (DESIGN 1.6).
enum class Share { kAll, kSession };

/// One [downstream NAME] section, in the types of this module.
struct DownstreamSettings {
    std::string name;
    std::string form;  ///< the same for two sections that mean the same
    bool enabled = true;
    Transport transport = Transport::kStdio;
    StdioCommand command;  ///< for kStdio
    HttpTarget http;       ///< for the others
    Protocol protocol = Protocol::kAuto;
    Exposure exposure;
    Share share = Share::kAll;
    size_t max_instances = 16;     ///< beside the base one
    Millis instance_idle{600000};  ///< of one that serves somebody in particular
    bool on_demand = false;        ///< started by the first call
    OfferFiles* offers = nullptr;  ///< where lists are kept; only with on_demand
    DisabledList* disabled = nullptr;  ///< outlives it; null: nothing is remembered
    Millis idle_stop{0};           ///< of the base one; 0 = never
    Millis start_timeout{10000};
    Millis call_timeout{50000};
    Millis call_timeout_max{600000};
    std::vector<std::pair<std::string, Millis>> timeouts;  ///< by glob on own names
    size_t max_in_flight = 256;
    size_t queue = 1024;
    UpkeepSettings upkeep;
    bool required = false;  ///< the daemon is ready only while it is healthy
};

}  // namespace neuron

#endif
