#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "helper_main.h"
#include "loop_world.h"
#include "mcp_scratch.h"
#include "neurond/base/atomic_file.h"
#include "neurond/base/limits.h"
#include "neurond/base/memory_file.h"
#include "neurond/base/text.h"
#include "neurond/loop/helper.h"

using namespace neuron;

namespace {

const bool kIsHelperToo = [] {
    helper_main = run_helper;
    return true;
}();

constexpr size_t kMaxRequest = kMaxHelperMessageBytes - sizeof(uint64_t);

/// A world with one helper, and what it answered.
struct Desk {
    explicit Desk(HelperRole role)
        : helper(std::in_place, world.loop, world.children, role) {}
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;
    ~Desk() {
        helper.reset();
        CHECK(world.until([this] { return world.children.size() == 0; }));
    }

    void ask(const std::string& request, int fd = -1) {
        ++asked;
        helper->request(request, fd, [this](bool ok, std::string_view text) {
            answers.push_back((ok ? "+" : "-") + std::string(text));
        });
    }
    bool all_answered() {
        return world.until([this] { return answers.size() >= asked; });
    }
    std::string answer_to(const std::string& request, int fd = -1) {
        ask(request, fd);
        const size_t before = answers.size();
        CHECK(all_answered());
        return answers.size() > before ? answers.back() : "none";
    }

    World world;
    std::optional<Helper> helper;
    size_t asked = 0;
    std::vector<std::string> answers;
};

}  // namespace

TEST_CASE("the writer forces a descriptor that is passed to it to the medium") {
    Scratch scratch;
    Desk desk(HelperRole::kWriter);
    const std::string path = scratch.path("file");
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(file);
    CHECK(desk.answer_to(writer_sync_request(), file.get()) == "+");
    const FdPair pipe = make_pipe();
    CHECK(desk.answer_to(writer_sync_request(), pipe.second.get()) == "+");
    CHECK(desk.answer_to(writer_sync_request()) ==
          "-sync: no descriptor came with the request");
}

TEST_CASE("the writer keeps no descriptor that was passed to it") {
    Desk desk(HelperRole::kWriter);
    FdPair pipe = make_pipe();
    CHECK(desk.answer_to(writer_sync_request(), pipe.second.get()) == "+");
    CHECK(desk.answer_to(writer_sync_request()).front() == '-');  // one turn later
    pipe.second.reset();
    CHECK(::read(pipe.first.get(), &pipe, 1) == 0);  // an end of file
}

TEST_CASE("the writer replaces a file, content and mode") {
    Scratch scratch;
    Desk desk(HelperRole::kWriter);
    const std::string path = scratch.path("state.json");
    for (const std::string& content :
         {std::string("{}"), std::string(), std::string("a\0b\n\xff", 5)}) {
        CHECK(desk.answer_to(writer_replace_request(path, 0640, content)) == "+");
        const Result<std::string> now = read_file(path, 100);
        REQUIRE(now);
        CHECK(*now == content);
    }
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0640);
    const std::string failed =
        desk.answer_to(writer_replace_request("/nonexistent/file", 0600, "x"));
    CHECK(starts_with(failed, "-"));
    CHECK(ends_with(failed, ": No such file or directory"));
}

TEST_CASE("a request of the greatest size arrives whole, a greater one fails") {
    Scratch scratch;
    Desk desk(HelperRole::kWriter);
    const std::string path = scratch.path("large");
    const size_t frame = writer_replace_request(path, 0600, "").size();
    const std::string content(kMaxRequest - frame, 'x');
    CHECK(desk.answer_to(writer_replace_request(path, 0600, content)) == "+");
    const Result<std::string> whole = read_file(path, 2 * kMaxRequest);
    REQUIRE(whole);
    CHECK(*whole == content);
    CHECK(desk.answer_to(writer_replace_request(path, 0600, content + "y")) ==
          "-send to writer: Message too long");
    CHECK(desk.answer_to(writer_replace_request(path, 0600, "z")) == "+");
}

TEST_CASE("what is too long for a message goes along as a memfd") {
    Scratch scratch;
    Desk desk(HelperRole::kWriter);
    const std::string path = scratch.path("metrics.prom");
    const std::string content(3 * kMaxRequest, 'm');
    const Result<Fd> text = text_to_memfd("test", content);
    REQUIRE(text);
    for (int twice = 0; twice < 2; ++twice) {  // the descriptor can be read again
        CHECK(desk.answer_to(writer_copy_request(path, 0644), text->get()) == "+");
        const Result<std::string> whole = read_file(path, content.size());
        REQUIRE(whole);
        CHECK(*whole == content);
    }
    CHECK(desk.answer_to(writer_copy_request(path, 0644)) ==
          "-replace: no descriptor came with the request");
}

TEST_CASE("the resolver tells numeric addresses, one a line, or why it cannot") {
    Desk desk(HelperRole::kResolver);
    CHECK(desk.answer_to(resolver_request("127.0.0.1")) == "+127.0.0.1\n");
    const std::string long_label(64, 'x');  // 63 is the limit: nobody is asked
    CHECK(starts_with(desk.answer_to(resolver_request(long_label)),
                      "-resolve " + long_label + ": "));
}

TEST_CASE("a helper refuses what is not its work") {
    Desk writer(HelperRole::kWriter);
    CHECK(writer.answer_to(resolver_request("127.0.0.1")) == "-unknown request");
    CHECK(writer.answer_to("") == "-unknown request");
    CHECK(writer.answer_to("r") == "-replace: malformed request");
    CHECK(writer.answer_to("rpath") == "-replace: malformed request");
    Desk resolver(HelperRole::kResolver);
    CHECK(resolver.answer_to(writer_sync_request()) == "-unknown request");
}

TEST_CASE("answers come in the order of the requests, each to its own") {
    Desk desk(HelperRole::kResolver);
    std::vector<std::string> expected;
    for (int n = 1; n <= 200; ++n) {
        const std::string address = "127.0.0." + std::to_string(n);
        desk.ask(resolver_request(address));
        expected.push_back("+" + address + "\n");
        CHECK(desk.answers.size() < desk.asked);  // never before request() returns
        if (n % 50 == 0) {
            CHECK(desk.all_answered());
        }
    }
    CHECK(desk.answers == expected);
    CHECK(desk.helper->in_hand() == 0);
}

TEST_CASE("an answer may ask for more") {
    Desk desk(HelperRole::kResolver);
    desk.asked = 2;
    desk.helper->request(resolver_request("127.0.0.1"), -1,
                         [&](bool, std::string_view text) {
                             desk.answers.emplace_back(text);
                             desk.asked = 1;
                             desk.ask(resolver_request("127.0.0.2"));
                         });
    CHECK(desk.all_answered());
    CHECK(desk.answers == std::vector<std::string>{"127.0.0.1\n", "+127.0.0.2\n"});
}

TEST_CASE("a helper that dies fails what it had in hand, and is started again") {
    Desk desk(HelperRole::kResolver);
    CHECK(desk.answer_to(resolver_request("127.0.0.1")) == "+127.0.0.1\n");
    const pid_t first = desk.helper->pid();
    desk.answers.clear();
    desk.asked = 0;
    REQUIRE(::kill(first, SIGSTOP) == 0);
    for (int i = 0; i < 5; ++i) {
        desk.ask(resolver_request("127.0.0.1"));
    }
    CHECK(desk.helper->in_hand() == 5);
    REQUIRE(::kill(first, SIGKILL) == 0);
    CHECK(desk.all_answered());
    for (const std::string& answer : desk.answers) {
        CHECK(
            (answer == "-resolver is gone" || answer == "-resolver killed by SIGKILL"));
    }
    CHECK(desk.helper->in_hand() == 0);
    CHECK(desk.helper->pid() == 0);
    // Not more than once a second, so the first attempts may fail.
    CHECK(desk.world.until([&] {
        const std::string answer = desk.answer_to(resolver_request("127.0.0.1"));
        CHECK((answer == "+127.0.0.1\n" ||
               answer == "-start resolver: it has just died"));
        return answer.front() == '+';
    }));
    CHECK(desk.helper->pid() != first);
}

TEST_CASE("a helper that is far behind gets no more, and loses nothing it has") {
    Desk desk(HelperRole::kResolver);
    CHECK(desk.answer_to(resolver_request("127.0.0.1")) == "+127.0.0.1\n");
    REQUIRE(::kill(desk.helper->pid(), SIGSTOP) == 0);
    while (desk.helper->in_hand() + 1 == desk.asked && desk.asked < 100000) {
        desk.ask(resolver_request("127.0.0.1"));
    }
    const size_t in_hand = desk.helper->in_hand();
    CHECK(in_hand > 10);
    CHECK(desk.world.until([&] { return desk.answers.size() == 2; }));
    CHECK(desk.answers[1] == "-send to resolver: Resource temporarily unavailable");
    REQUIRE(::kill(desk.helper->pid(), SIGCONT) == 0);
    CHECK(desk.all_answered());
    for (size_t i = 2; i < desk.answers.size(); ++i) {
        CHECK(desk.answers[i] == "+127.0.0.1\n");
    }
}

TEST_CASE("a helper ends when nobody needs it any more") {
    World world;
    pid_t pid = 0;
    {
        Helper helper(world.loop, world.children, HelperRole::kWriter);
        helper.request(writer_sync_request(), -1, [](bool, std::string_view) {});
        pid = helper.pid();
        CHECK(pid > 0);
        CHECK(world.children.size() == 1);
    }
    CHECK(world.until([&] { return world.children.size() == 0; }));
    CHECK(::kill(pid, 0) == -1);
}
