#ifndef NEUROND_FRONT_SESSION_NEWS_H
#define NEUROND_FRONT_SESSION_NEWS_H

#include <string>
#include <utility>

#include "neurond/base/handle.h"
#include "neurond/mcp/subscriptions.h"

namespace neuron {

struct Session;

/// Where the news of a session find a stream.
class SessionNewsOwner {
  public:
    virtual void on_session_news(Handle<Session> session) = 0;
    /// Whether a server tells of what the session has subscribed to.
    virtual void on_session_subscribed(Handle<Session> session, const std::string& uri,
                                       bool good) = 0;

  protected:
    ~SessionNewsOwner() = default;
};

/// What a legacy session over HTTP is to be told. News wait while it has no stream.
class SessionNews final : public Subscriber {
  public:
    SessionNews(Subscriptions& hub, Requester who, const View& view,
                Handle<Session> session, SessionNewsOwner& owner)
        : Subscriber(hub, std::move(who), view, kAllLists),
          session_(session),
          owner_(owner) {}

  private:
    void on_news() override { owner_.on_session_news(session_); }
    void on_subscribed(const std::string& uri, bool good) override {
        owner_.on_session_subscribed(session_, uri, good);
    }

    Handle<Session> session_;
    SessionNewsOwner& owner_;
};

}  // namespace neuron

#endif
