#ifndef NEUROND_NET_RESOLVER_CACHE_H
#define NEUROND_NET_RESOLVER_CACHE_H

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "neurond/base/handle.h"
#include "neurond/base/result.h"
#include "neurond/loop/event_loop.h"

namespace neuron {

/// Numeric addresses of a host, in the order in which to try them; never empty.
using HostAddresses = std::vector<std::string>;

/// Wants to know where a host is.
class ResolverUser {
  public:
    virtual void on_resolved(const Result<HostAddresses>& found) = 0;

  protected:
    ~ResolverUser() = default;
};

/// Remembers for 30 s what the resolver helper found. IP addresses and `localhost` need no
/// resolver. A user that is gone when the answer comes is not called.
class ResolverCache {
  public:
    /// How to look a name up: see Helper::request() and resolver_request().
    using Lookup = std::function<void(
        const std::string& host, std::function<void(bool ok, std::string_view text)>)>;

    ResolverCache(EventLoop& loop, Lookup lookup);

    /// Where users are registered.
    HandleTable<ResolverUser>& users() noexcept { return users_; }
    /// Calls the user once, never before this returns.
    void resolve(const std::string& host, Handle<ResolverUser> user);
    /// Nothing answered at these addresses: the next resolve() asks anew.
    void forget(const std::string& host);

  private:
    struct Entry {
        HostAddresses addresses;
        TimePoint until;
        std::vector<Handle<ResolverUser>> waiting;
    };

    void on_answer(const std::string& host, bool ok, std::string_view text);
    void deliver_ready();

    EventLoop& loop_;
    Lookup lookup_;
    HandleTable<ResolverUser> users_;
    std::unordered_map<std::string, Entry> entries_;
    std::vector<std::pair<Handle<ResolverUser>, HostAddresses>> ready_;
    Task ready_task_;
};

}  // namespace neuron

#endif
