// What names stand for, asked of the resolver helper at most every 30 seconds a name: a
// burst of connections to one server is one question.

#include "neurond/net/resolver_cache.h"

#include "neurond/base/text.h"
#include "neurond/net/address.h"

namespace neuron {

namespace {

constexpr Millis kKeep{30 * 1000};

/// What needs no resolver; empty for a name.
HostAddresses without_resolver(const std::string& host) {
    if (Address::from_ip(host, 0)) {
        return {host};
    }
    // RFC 6761 section 6.3: these names are the loopback addresses.
    if (host == "localhost" || ends_with(host, ".localhost")) {
        return {"127.0.0.1", "::1"};
    }
    return {};
}

HostAddresses lines_of(std::string_view text) {
    HostAddresses out;
    for (const std::string_view line : split(text, '\n')) {
        if (!line.empty()) {
            out.emplace_back(line);
        }
    }
    return out;
}

}  // namespace

ResolverCache::ResolverCache(EventLoop& loop, Lookup lookup)
    : loop_(loop),
      lookup_(std::move(lookup)),
      ready_task_(loop, Phase::kSoon, [this] { deliver_ready(); }) {}

void ResolverCache::resolve(const std::string& host, Handle<ResolverUser> user) {
    HostAddresses known = without_resolver(host);
    Entry& entry = entries_[host];
    if (known.empty() && entry.until > loop_.now()) {
        known = entry.addresses;
    }
    if (!known.empty()) {
        ready_.emplace_back(user, std::move(known));
        ready_task_.schedule();
        return;
    }
    entry.waiting.push_back(user);
    if (entry.waiting.size() == 1) {
        lookup_(host, [this, host](bool ok, std::string_view text) {
            on_answer(host, ok, text);
        });
    }
}

void ResolverCache::forget(const std::string& host) {
    entries_[host].until = TimePoint();
}

void ResolverCache::on_answer(const std::string& host, bool ok, std::string_view text) {
    Entry& entry = entries_[host];
    entry.addresses = ok ? lines_of(text) : HostAddresses();
    const bool found = !entry.addresses.empty();
    entry.until = found ? loop_.now() + kKeep : TimePoint();
    const Result<HostAddresses> result =
        found ? Result<HostAddresses>(entry.addresses)
              : Result<HostAddresses>(
                    Error{ok ? "resolve " + host + ": no address" : escape(text), 0});
    std::vector<Handle<ResolverUser>> waiting;
    waiting.swap(entry.waiting);
    for (const Handle<ResolverUser> handle : waiting) {
        if (ResolverUser* user = users_.find(handle); user != nullptr) {
            user->on_resolved(result);
        }
    }
}

void ResolverCache::deliver_ready() {
    std::vector<std::pair<Handle<ResolverUser>, HostAddresses>> ready;
    ready.swap(ready_);
    for (const auto& [handle, addresses] : ready) {
        if (ResolverUser* user = users_.find(handle); user != nullptr) {
            user->on_resolved(addresses);
        }
    }
}

}  // namespace neuron
