// What tools/list of the bundled server says: names, descriptions and schemas. A fact the
// kernel may withhold is not among the required ones.

#include "neurond/cli/host_catalog.h"

namespace neuron {

namespace {

constexpr const char* kNoArguments =
    R"({"type":"object","properties":{},"additionalProperties":false})";

constexpr const char* kInfoOutput =
    R"({"type":"object","properties":{)"
    R"("hostname":{"type":"string"},)"
    R"("kernel":{"type":"string","description":"release of the kernel"},)"
    R"("architecture":{"type":"string"},)"
    R"("os":{"type":"string","description":"name and version of the distribution"},)"
    R"("os_id":{"type":"string"},)"
    R"("os_version":{"type":"string"},)"
    R"("uptime_seconds":{"type":"integer","minimum":0},)"
    R"("boot_time":{"type":"string","format":"date-time"},)"
    R"("cpus":{"type":"integer","minimum":1,"description":"processors online"}},)"
    R"("required":["hostname","kernel","architecture","cpus"],)"
    R"("additionalProperties":false})";

constexpr const char* kLoadOutput =
    R"({"type":"object","properties":{)"
    R"("load_1m":{"type":"number","minimum":0},)"
    R"("load_5m":{"type":"number","minimum":0},)"
    R"("load_15m":{"type":"number","minimum":0},)"
    R"("runnable_tasks":{"type":"integer","minimum":0},)"
    R"("total_tasks":{"type":"integer","minimum":0},)"
    R"("cpus":{"type":"integer","minimum":1,"description":"processors online"}},)"
    R"("required":["load_1m","load_5m","load_15m","runnable_tasks","total_tasks","cpus"],)"
    R"("additionalProperties":false})";

constexpr const char* kMemoryOutput =
    R"({"type":"object","properties":{)"
    R"("total_bytes":{"type":"integer","minimum":0},)"
    R"("free_bytes":{"type":"integer","minimum":0},)"
    R"("available_bytes":{"type":"integer","minimum":0,)"
    R"("description":"what programs can still get without swapping"},)"
    R"("buffers_bytes":{"type":"integer","minimum":0},)"
    R"("cached_bytes":{"type":"integer","minimum":0},)"
    R"("swap_total_bytes":{"type":"integer","minimum":0},)"
    R"("swap_free_bytes":{"type":"integer","minimum":0}},)"
    R"("required":["total_bytes"],"additionalProperties":false})";

constexpr const char* kDisksOutput =
    R"({"type":"object","properties":{"disks":{"type":"array","items":{)"
    R"("type":"object","properties":{)"
    R"("source":{"type":"string","description":"device"},)"
    R"("mount_point":{"type":"string"},)"
    R"("type":{"type":"string","description":"of the file system"},)"
    R"("size_bytes":{"type":"integer","minimum":0},)"
    R"("used_bytes":{"type":"integer","minimum":0},)"
    R"("available_bytes":{"type":"integer","minimum":0,)"
    R"("description":"to users other than root"},)"
    R"("inodes":{"type":"integer","minimum":0},)"
    R"("inodes_free":{"type":"integer","minimum":0}},)"
    R"("required":["source","mount_point","type","size_bytes","used_bytes",)"
    R"("available_bytes","inodes","inodes_free"],"additionalProperties":false}}},)"
    R"("required":["disks"],"additionalProperties":false})";

constexpr const char* kProcessInput =
    R"({"type":"object","properties":{)"
    R"("limit":{"type":"integer","minimum":1,"maximum":1000,"default":50,)"
    R"("description":"how many processes at most"},)"
    R"("sort":{"type":"string","enum":["cpu","memory","pid"],"default":"cpu",)"
    R"("description":"cpu: most processor time so far first; memory: most first"},)"
    R"("name":{"type":"string","description":"only processes whose name fits this )"
    R"(pattern: * any characters, ? one, [abc] one of these"}},)"
    R"("additionalProperties":false})";

constexpr const char* kProcessOutput =
    R"({"type":"object","properties":{"processes":{"type":"array","items":{)"
    R"("type":"object","properties":{)"
    R"("pid":{"type":"integer","minimum":1},)"
    R"("ppid":{"type":"integer","minimum":0},)"
    R"("uid":{"type":"integer","minimum":0,"description":"real user ID"},)"
    R"("name":{"type":"string"},)"
    R"("state":{"type":"string"},)"
    R"("rss_bytes":{"type":"integer","minimum":0,"description":"memory in use"},)"
    R"("cpu_seconds":{"type":"number","minimum":0,)"
    R"("description":"processor time since its start"},)"
    R"("started_at":{"type":"string","format":"date-time"}},)"
    R"("required":["pid","ppid","name","state","rss_bytes","cpu_seconds"],)"
    R"("additionalProperties":false}},)"
    R"("total":{"type":"integer","minimum":0,)"
    R"("description":"processes that fit, shown or not"}},)"
    R"("required":["processes","total"],"additionalProperties":false})";

}  // namespace

const std::vector<HostTool>& host_catalog() {
    static const std::vector<HostTool> tools = {
        {"process.list", "Processes",
         "Processes of this host with user, state, memory and processor time. Command "
         "lines and environments are left out, because secrets may stand in them.",
         kProcessInput, kProcessOutput, call_process_list},
        {"system.disks", "Disks",
         "Size and usage of the mounted local file systems, inodes included. Network "
         "and "
         "pseudo file systems are left out.",
         kNoArguments, kDisksOutput, call_system_disks},
        {"system.info", "Host",
         "Host name, kernel, architecture, operating system, uptime, boot time and "
         "number "
         "of processors.",
         kNoArguments, kInfoOutput, call_system_info},
        {"system.load", "Load",
         "Load averages over 1, 5 and 15 minutes, and how many tasks there are and are "
         "runnable.",
         kNoArguments, kLoadOutput, call_system_load},
        {"system.memory", "Memory", "Memory and swap of this host in bytes.",
         kNoArguments, kMemoryOutput, call_system_memory},
    };
    return tools;
}

}  // namespace neuron
