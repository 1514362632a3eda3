// The only place that knows epoll. Ready events name a registration (slot and
// generation), not an address, so an event of a closed descriptor reaches nobody; and
// nothing is destroyed before all callbacks of the turn have returned.

#include "neurond/loop/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdlib>

#include "neurond/base/log.h"

namespace neuron {

namespace {

constexpr int kEventsPerWait = 256;
constexpr Millis kLongWait{60 * 1000};

}  // namespace

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), now_(monotonic_now()) {
    if (!epoll_) {
        log_error("loop", "epoll_create1: errno %d", errno);
        std::abort();
    }
}

EventLoop::~EventLoop() {
    bury();
}

void EventLoop::run() {
    stopped_ = false;
    while (!stopped_) {
        turn(kLongWait);
    }
}

void EventLoop::turn(Millis max_wait) {
    epoll_event ready[kEventsPerWait];
    const int count =
        ::epoll_wait(epoll_.get(), ready, kEventsPerWait, wait_millis(max_wait));
    now_ = monotonic_now();
    for (int i = 0; i < count; ++i) {
        dispatch(ready[i].data.u64, ready[i].events);
    }
    fire_timers();
    run_phase(Phase::kSoon);
    run_phase(Phase::kStage);
    run_phase(Phase::kFlush);
    bury();
    if (on_turn_) {
        on_turn_(monotonic_now() - now_);
    }
}

/// Rounded up to whole milliseconds: rounding down would spin until the deadline.
int EventLoop::wait_millis(Millis max_wait) const {
    if (stopped_ || tasks_queued()) {
        return 0;
    }
    Millis wait = max_wait;
    if (!timers_.empty()) {
        const auto left = timers_.front()->deadline_ - monotonic_now();
        wait = std::min(wait, std::chrono::ceil<Millis>(left));
    }
    return static_cast<int>(std::max(wait, Millis{0}).count());
}

uint32_t EventLoop::take_slot(EventHandler& handler) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
        slots_.push_back({});
    }
    const uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot].handler = &handler;
    return slot;
}

void EventLoop::free_slot(uint32_t slot) {
    slots_[slot].handler = nullptr;
    ++slots_[slot].generation;  // every event still queued for this slot is now stale
    free_slots_.push_back(slot);
}

void EventLoop::control(int op, int fd, uint32_t events, uint32_t slot) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = static_cast<uint64_t>(slots_[slot].generation) << 32 | slot;
    if (::epoll_ctl(epoll_.get(), op, fd, &event) != 0) {
        log_error("loop", "epoll_ctl %d of descriptor %d: errno %d", op, fd, errno);
        std::abort();  // only a closed or foreign descriptor comes here: our own bug
    }
}

void EventLoop::dispatch(uint64_t key, uint32_t events) {
    const auto slot = static_cast<uint32_t>(key);
    const Slot target = slots_[slot];  // a copy: the call below may grow slots_
    if (target.generation != static_cast<uint32_t>(key >> 32)) {
        return;  // the watch died earlier in this batch; its slot may be reused already
    }
    target.handler->on_ready(events);
}

void EventLoop::fire_timers() {
    while (!timers_.empty() && timers_.front()->deadline_ <= now_) {
        Timer& due = *timers_.front();
        due.cancel();
        due.fire_();
    }
}

void EventLoop::run_phase(Phase phase) {
    Link& queue = phases_[static_cast<size_t>(phase)];
    if (queue.next == &queue) {
        return;
    }
    Link batch;  // takes over the list: what is queued from now on waits a turn
    batch.next = queue.next;
    batch.prev = queue.prev;
    batch.next->prev = &batch;
    batch.prev->next = &batch;
    queue.next = queue.prev = &queue;
    while (batch.next != &batch) {
        Task& task = *static_cast<Task*>(batch.next);
        task.cancel();
        task.run_();
    }
}

bool EventLoop::tasks_queued() const noexcept {
    return std::any_of(std::begin(phases_), std::end(phases_),
                       [](const Link& queue) { return queue.next != &queue; });
}

void EventLoop::bury() {
    while (!graves_.empty()) {  // a destructor may retire further objects
        std::vector<Grave> dead;
        dead.swap(graves_);
        for (const Grave& grave : dead) {
            grave.bury(grave.dead);
        }
    }
}

Watch::~Watch() {
    set(0);
    loop_.free_slot(slot_);
}

/// No interest means not registered: epoll reports HUP and ERR even for an empty mask,
/// and a paused connection whose peer has gone would spin the loop.
void Watch::set(uint32_t events) {
    if (events == events_) {
        return;
    }
    const int op = events_ == 0  ? EPOLL_CTL_ADD
                   : events == 0 ? EPOLL_CTL_DEL
                                 : EPOLL_CTL_MOD;
    events_ = events;
    loop_.control(op, fd_, events, slot_);
}

void Timer::arm(Millis delay) {
    deadline_ = loop_.now() + std::max(delay, Millis{1});  // not due again in this pass
    if (!armed()) {
        index_ = loop_.timers_.size();
        loop_.timers_.push_back(this);
    }
    sift(index_);
}

void Timer::cancel() noexcept {
    if (!armed()) {
        return;
    }
    const size_t hole = std::exchange(index_, kIdle);
    Timer* last = loop_.timers_.back();
    loop_.timers_.pop_back();
    if (last != this) {
        loop_.timers_[hole] = last;
        last->index_ = hole;
        last->sift(hole);
    }
}

/// Moves this timer, which stands at `index`, up or down to where the heap wants it.
void Timer::sift(size_t index) noexcept {
    std::vector<Timer*>& heap = loop_.timers_;
    const auto put = [&heap](size_t at, Timer* timer) {
        heap[at] = timer;
        timer->index_ = at;
    };
    while (index > 0 && deadline_ < heap[(index - 1) / 2]->deadline_) {
        put(index, heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * index + 1;
        if (child + 1 < heap.size() &&
            heap[child + 1]->deadline_ < heap[child]->deadline_) {
            ++child;
        }
        if (child >= heap.size() || heap[child]->deadline_ >= deadline_) {
            break;
        }
        put(index, heap[child]);
        index = child;
    }
    put(index, this);
}

void Task::schedule() noexcept {
    if (scheduled()) {
        return;
    }
    EventLoop::Link& queue = loop_.phases_[static_cast<size_t>(phase_)];
    prev = queue.prev;
    next = &queue;
    prev->next = this;
    queue.prev = this;
}

void Task::cancel() noexcept {
    prev->next = next;
    next->prev = prev;
    prev = next = this;
}

}  // namespace neuron
