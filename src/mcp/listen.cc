// Subscriptions of modern clients: a request that is answered only at its end.

#include "neurond/mcp/listen.h"

#include <algorithm>

#include "neurond/base/limits.h"
#include "neurond/wire/json_view.h"
#include "neurond/wire/json_write.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

namespace {

constexpr std::string_view kSubscriptionKey = "io.modelcontextprotocol/subscriptionId";

struct KindName {
    const char* filter;
    const char* method;
};
/// By ListKind.
constexpr KindName kKindNames[] = {
    {"toolsListChanged", "notifications/tools/list_changed"},
    {"promptsListChanged", "notifications/prompts/list_changed"},
    {"resourcesListChanged", "notifications/resources/list_changed"},
};

const KindName& name_of(ListKind kind) {
    return kKindNames[static_cast<size_t>(kind)];
}

/// `"_meta":{...}` as a member of the object that `w` is in; nothing without an id.
void write_meta(JsonWriter& w, std::string_view id_raw) {
    if (!id_raw.empty()) {
        w.key("_meta").begin_object().key(kSubscriptionKey).raw(id_raw).end_object();
    }
}

}  // namespace

std::optional<ListenFilter> read_listen(const JsonScanner& scan, std::string_view text,
                                        std::string& problem) {
    const JsonView wanted(
        find(scan.params_members(), text, "notifications").in(text));
    if (!wanted.is_object()) {
        problem = "subscriptions/listen: params.notifications is missing or not an object";
        return std::nullopt;
    }
    ListenFilter out;
    for (const ListKind kind : kListKinds) {
        const bool on = wanted.find(name_of(kind).filter).as_bool().value_or(false);
        out.lists |= on ? set_of(kind) : 0U;
    }
    const JsonView uris = wanted.find("resourceSubscriptions");
    out.wants_resources = uris.is_array();
    if (uris.exists() && !uris.is_array()) {
        problem = "subscriptions/listen: resourceSubscriptions is not an array";
        return std::nullopt;
    }
    for (const JsonView uri : uris.elements()) {
        const std::optional<std::string> text_of = uri.as_string();
        if (!text_of || out.resources.size() >= kMaxResourceSubscriptions) {
            problem = text_of ? "subscriptions/listen: too many resourceSubscriptions"
                              : "subscriptions/listen: a resource URI is not a string";
            return std::nullopt;
        }
        out.resources.push_back(*text_of);
    }
    return out;
}

void write_acknowledged(OutQueue& out, std::string_view id_raw,
                        const ListenFilter& honoured) {
    JsonWriter w;
    w.begin_object();
    write_meta(w, id_raw);
    w.key("notifications").begin_object();
    for (const ListKind kind : kListKinds) {
        if ((honoured.lists & set_of(kind)) != 0) {
            w.key(name_of(kind).filter).boolean(true);
        }
    }
    if (honoured.wants_resources) {
        w.key("resourceSubscriptions").begin_array();
        for (const std::string& uri : honoured.resources) {
            w.string(uri);
        }
        w.end_array();
    }
    w.end_object().end_object();
    write_notification(out, "notifications/subscriptions/acknowledged", w.take());
}

void write_list_changed(OutQueue& out, ListKind kind, std::string_view id_raw) {
    JsonWriter w;
    if (!id_raw.empty()) {
        w.begin_object();
        write_meta(w, id_raw);
        w.end_object();
    }
    write_notification(out, name_of(kind).method, w.take());
}

void write_resource_updated(OutQueue& out, std::string_view uri,
                            std::string_view id_raw) {
    JsonWriter w;
    w.begin_object().key("uri").string(uri);
    write_meta(w, id_raw);
    w.end_object();
    write_notification(out, "notifications/resources/updated", w.take());
}

void write_listen_end(OutQueue& out, std::string_view id_raw) {
    JsonWriter w;
    w.begin_object().key("resultType").string("complete");
    write_meta(w, id_raw);
    w.end_object();
    write_result(out, id_raw, Slice::copy_of(w.take()));
}

/// Its lists may have been shown before, by requests that it knows nothing of.
Listen::Listen(Subscriptions& hub, const Requester& who, View view,
               const ListenFilter& filter, std::string_view id_raw, ListenOwner& owner)
    : Subscriber(hub, who, std::move(view), filter.lists),
      filter_(filter),
      id_raw_(id_raw),
      owner_(owner) {
    for (const ItemKind kind : kItemKinds) {
        has_seen(kind);
    }
    filter_.resources.clear();
    for (const std::string& uri : filter.resources) {
        const std::optional<Answer> known =
            subscribe(uri, {}, 0, filter.request_id);
        if (!known) {
            asked_.insert(uri);
        }
        if (!known || known->kind == Answer::Kind::kResult) {
            filter_.resources.push_back(uri);
        }
    }
}

void Listen::begin() {
    begun_ = true;
    acknowledge();
}

void Listen::on_subscribed(const std::string& uri, bool good) {
    if (asked_.erase(uri) != 0 && !good) {
        std::vector<std::string>& all = filter_.resources;
        all.erase(std::remove(all.begin(), all.end(), uri), all.end());
    }
    acknowledge();
}

void Listen::acknowledge() {
    if (!begun_ || acknowledged_ || !asked_.empty()) {
        return;
    }
    acknowledged_ = true;
    OutQueue message;
    write_acknowledged(message, id_raw_, filter_);
    say(std::move(message));
    if (!news().empty()) {
        on_news();
    }
}

void Listen::finish() {
    OutQueue message;
    write_listen_end(message, id_raw_);
    say(std::move(message));
}

void Listen::on_news() {
    if (!acknowledged_) {
        return;
    }
    if (owner_.listen_congested(*this)) {
        finish();
        owner_.on_listen_over(*this, "the client does not read its subscription");
        return;
    }
    write_news(take_news(), id_raw_,
               [this](OutQueue&& message) { say(std::move(message)); });
}

}  // namespace neuron
