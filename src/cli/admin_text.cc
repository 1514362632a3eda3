// What the listing verbs print for people, from the JSON a program would get.

#include "neurond/cli/admin.h"

#include "neurond/base/glob.h"
#include "neurond/base/text.h"
#include "neurond/cli/table.h"
#include "neurond/conf/dump.h"

namespace neuron {

namespace {

constexpr size_t kLabelWidth = 17;
constexpr size_t kMaxValueBytes = 4096;

/// "downstreams   3 of 4 healthy"; nothing where there is no value.
std::string line(std::string label, const std::string& value) {
    if (value.empty()) {
        return {};
    }
    label.resize(std::max(kLabelWidth, label.size() + 1), ' ');
    return label + escape(value, kMaxValueBytes) + "\n";
}

std::string listener_text(JsonView listener) {
    if (const auto text = listener.as_string()) {
        return *text;
    }
    return cell(listener, "address");
}

/// Seconds with a fraction: that matters for a process that died at once.
std::string uptime_cell(JsonView entry) {
    const std::string seconds = cell(entry, "uptime_seconds");
    const auto whole = parse_u64(seconds.substr(0, seconds.find('.')));
    if (!whole || *whole >= 10) {
        return whole ? to_words(*whole) : std::string();
    }
    return seconds + "s";
}

/// A name in the first column, short things behind it, a sentence last.
std::string title_or_description(JsonView tool) {
    const std::string description = cell(tool, "description");
    return description.empty() ? cell(tool, "title") : description;
}

/// "2025-11-25: 2 sessions, 17 calls; 2026-07-28: 5 calls".
std::string clients_text(JsonView clients) {
    std::string out;
    for (JsonView each : clients.elements()) {
        const std::string sessions = cell(each, "sessions");
        out += (out.empty() ? "" : "; ") + cell(each, "revision") + ": " +
               (sessions == "0" ? "" : sessions + " sessions, ") + cell(each, "calls") +
               " calls";
    }
    return out;
}

}  // namespace

std::string status_text(JsonView status) {
    std::string listeners;
    for (JsonView listener : status.find("listeners").elements()) {
        listeners += (listeners.empty() ? "" : " ") + listener_text(listener);
    }
    const JsonView downstreams = status.find("downstreams");
    std::string out;
    out += line("state", cell(status, "state"));
    out += line("version", cell(status, "version"));
    out += line("pid", cell(status, "pid"));
    out += line("uptime", duration_cell(status, "uptime_seconds"));
    out += line("node id", cell(status, "node_id"));
    out += line("registration", cell(status, "registration"));
    out += line("listeners", listeners);
    if (downstreams.exists()) {
        out += line("downstreams", cell(downstreams, "healthy") + " of " +
                                       cell(downstreams, "total") + " healthy");
    }
    out += line("tools", cell(status, "tools"));
    out += line("sessions", cell(status, "sessions"));
    out += line("clients", clients_text(status.find("clients")));
    out += line("connections", cell(status, "connections"));
    out += line("calls", cell(status, "calls_in_flight") + " in flight");
    return out;
}

std::string servers_text(JsonView servers, size_t width) {
    Table table({{"NAME"},
                 {"STATE"},
                 {"ERA"},
                 {"TOOLS", Table::Align::kRight},
                 {"RESTARTS", Table::Align::kRight},
                 {"UPTIME", Table::Align::kRight},
                 {"LAST ERROR"}});
    size_t rows = 0;
    for (JsonView server : servers.elements()) {
        table.add({cell(server, "name"), cell(server, "state"), cell(server, "era"),
                   cell(server, "tools"), cell(server, "restarts"),
                   duration_cell(server, "uptime_seconds"),
                   cell(server, "last_error")});
        ++rows;
    }
    return rows == 0 ? "No downstreams configured.\n"
                     : table.to_string(width, terminal_has_colours());
}

std::string server_text(JsonView server) {
    std::string out;
    for (const JsonPair& member : server.members()) {
        const std::string key = member.key.as_string().value_or("");
        if (key == "stderr") {
            continue;  // last, and in its own lines
        }
        if (key == "uptime_seconds") {
            out += line("uptime", duration_cell(server, key));
        } else {
            out += line(escape(key), cell(server, key));
        }
    }
    const JsonView tail = server.find("stderr");
    if (tail.at(0).exists()) {
        out += "stderr\n";
        for (JsonView text : tail.elements()) {
            out += "  " + escape(text.as_string().value_or(""), kMaxValueBytes) + "\n";
        }
    }
    return out;
}

std::string config_text(JsonView settings) {
    std::vector<conf::ShownSetting> lines;
    for (JsonView each : settings.elements()) {
        lines.push_back({cell(each, "section"), cell(each, "name"), cell(each, "key"),
                         cell(each, "value"), cell(each, "origin")});
    }
    return conf::dump(lines);
}

std::string history_text(JsonView history, size_t width) {
    Table table({{"TIME"}, {"UPTIME", Table::Align::kRight}, {"NEXT"}, {"REASON"}});
    size_t rows = 0;
    for (JsonView entry : history.elements()) {
        const std::string time = cell(entry, "time");
        table.add({time.substr(0, time.find('.')) + "Z", uptime_cell(entry),
                   cell(entry, "next"), cell(entry, "reason")});
        ++rows;
    }
    return rows == 0 ? "It has not ended so far.\n" : table.to_string(width);
}

std::string logs_text(JsonView lines) {
    std::string out;
    for (JsonView entry : lines.elements()) {
        out += escape(cell(entry, "line"), kMaxValueBytes) + "\n";
    }
    return out;
}

std::string tools_text(JsonView tools, size_t width) {
    const bool judged = tools.at(0).find("decision").exists();
    Table table(judged ? Table({{"NAME"}, {"DECISION"}, {"RULE"}})
                       : Table({{"NAME"}, {"SERVER"}, {"DESCRIPTION"}}));
    size_t rows = 0;
    for (JsonView tool : tools.elements()) {
        if (judged) {
            table.add({cell(tool, "name"), cell(tool, "decision"), cell(tool, "rule")});
        } else {
            table.add(
                {cell(tool, "name"), cell(tool, "server"), title_or_description(tool)});
        }
        ++rows;
    }
    return rows == 0 ? std::string() : table.to_string(width, terminal_has_colours());
}

std::string filter_tools(JsonView tools, std::string_view glob) {
    std::string out;
    for (JsonView tool : tools.elements()) {
        if (glob_matches(glob, cell(tool, "name"))) {
            out += (out.empty() ? "[" : ",") + std::string(tool.raw());
        }
    }
    return out.empty() ? "[]" : out + "]";
}

}  // namespace neuron
