#ifndef NEUROND_MCP_LISTEN_H
#define NEUROND_MCP_LISTEN_H

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "neurond/base/out_queue.h"
#include "neurond/mcp/client_questions.h"
#include "neurond/mcp/subscriptions.h"
#include "neurond/wire/json_scan.h"
#include "neurond/wire/jsonrpc.h"

namespace neuron {

/// What a `subscriptions/listen` asks for (mcp-protocol 4.5).
struct ListenFilter {
    ListSet lists = 0;
    std::vector<std::string> resources;
    bool wants_resources = false;  ///< the list was there, if only empty
    std::string request_id{};      ///< under which refusals are audited
};

/// Nothing when params.notifications is missing or not as it should be; `problem` says
/// what is wrong. Types we do not know are left out, as the acknowledgement then shows.
std::optional<ListenFilter> read_listen(const JsonScanner& scan, std::string_view text,
                                        std::string& problem);

/// The first message of a listen: what of its filter is honoured.
void write_acknowledged(OutQueue& out, std::string_view id_raw,
                        const ListenFilter& honoured);
/// News as notifications, each handed to `say`. `id_raw` is that of the listen, as its
/// client wrote it; empty for legacy clients.
template <typename Say>
void write_news(const News& news, std::string_view id_raw, Say say);
/// The graceful end of a listen.
void write_listen_end(OutQueue& out, std::string_view id_raw);

void write_list_changed(OutQueue& out, ListKind kind, std::string_view id_raw);
void write_resource_updated(OutQueue& out, std::string_view uri, std::string_view id_raw);

template <typename Say>
void write_news(const News& news, std::string_view id_raw, Say say) {
    for (const ListKind kind : kListKinds) {
        if ((news.lists & set_of(kind)) != 0) {
            OutQueue message;
            write_list_changed(message, kind, id_raw);
            say(std::move(message));
        }
    }
    for (const std::string& uri : news.resources) {
        OutQueue message;
        write_resource_updated(message, uri, id_raw);
        say(std::move(message));
    }
    for (const auto& [id, question] : news.questions) {
        OutQueue message;
        write_question(message, id, question);
        say(std::move(message));
    }
    for (const std::string& id : news.withdrawn) {
        OutQueue message;
        write_question_cancelled(message, id);
        say(std::move(message));
    }
    for (const auto& [method, params] : news.others) {
        OutQueue message;
        write_notification(message, method, params.view());
        say(std::move(message));
    }
}

class Listen;

/// The transport of a listen.
class ListenOwner {
  public:
    virtual void on_listen_message(Listen& listen, OutQueue&& message) = 0;
    /// The client has too much to read already.
    virtual bool listen_congested(const Listen& listen) const = 0;
    /// It has ended by itself, its last message is said; retire it.
    virtual void on_listen_over(Listen& listen, const char* why) = 0;

  protected:
    ~ListenOwner() = default;
};

/// One `subscriptions/listen` of a modern client, on any transport. A client that does
/// not read is ended in good order, so that it lists again when it comes back.
class Listen final : public Subscriber {
  public:
    /// `who` asks for it, as for anything else. begin() follows.
    Listen(Subscriptions& hub, const Requester& who, View view,
           const ListenFilter& filter, std::string_view id_raw, ListenOwner& owner);

    /// Says the acknowledgement, once it is known which resources it names.
    void begin();
    /// Says the last message. Its owner knows already.
    void finish();
    const std::string& id_raw() const noexcept { return id_raw_; }
    /// X-Request-Id of its request.
    const std::string& request_id() const noexcept { return filter_.request_id; }

  private:
    void on_news() override;
    void on_subscribed(const std::string& uri, bool good) override;
    const char* method() const noexcept override { return "subscriptions/listen"; }
    void acknowledge();
    void say(OutQueue&& message) { owner_.on_listen_message(*this, std::move(message)); }

    ListenFilter filter_;
    std::set<std::string> asked_;  ///< resources of which it is not known yet
    bool begun_ = false;
    bool acknowledged_ = false;  ///< nothing is said before
    std::string id_raw_;
    ListenOwner& owner_;
};

}  // namespace neuron

#endif
