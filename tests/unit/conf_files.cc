#include "neurond/conf/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "neurond/base/fd.h"
#include "neurond/base/limits.h"

using namespace neuron;
using namespace neuron::conf;

namespace {

/// A directory of its own for each test.
class Directory {
  public:
    Directory() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    ~Directory() {
        for (const std::string& name : made_) {
            ::unlink(name.c_str());
        }
        ::rmdir(path_.c_str());
    }
    std::string file(const std::string& name, const std::string& text, mode_t mode) {
        const std::string path = path_ + '/' + name;
        const Fd fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        REQUIRE(fd);
        REQUIRE(::write(fd.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
        REQUIRE(::fchmod(fd.get(), mode) == 0);
        made_.push_back(path);
        return path;
    }
    std::string fifo(const std::string& name) {
        const std::string path = path_ + '/' + name;
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        made_.push_back(path);
        return path;
    }
    const std::string& path() const { return path_; }

  private:
    std::string path_ = std::string(P_tmpdir) + "/neurond-conf.XXXXXX";
    std::vector<std::string> made_;
};

}  // namespace

TEST_CASE("a file is read whole, with who may read it") {
    Directory dir;
    RealFiles files;
    const std::string text = std::string(100000, 'x') + '\0' + "y\n";
    const auto open = files.read_config(dir.file("open", text, 0644));
    REQUIRE(open);
    CHECK(open->text == text);
    CHECK(open->world_readable);
    const auto closed = files.read_secret(dir.file("closed", "", 0640));
    REQUIRE(closed);
    CHECK(closed->text.empty());
    CHECK_FALSE(closed->world_readable);
}

TEST_CASE("secrets are regular files of at most one megabyte") {
    Directory dir;
    RealFiles files;
    CHECK(files.read_secret(dir.file("full", std::string(kMaxSecretBytes, 'x'), 0600)));
    const std::string big =
        dir.file("big", std::string(kMaxSecretBytes + 1, 'x'), 0600);
    CHECK(files.read_secret(big).error().message ==
          "read " + big + ": longer than 1048576 bytes");
    const std::string fifo = dir.fifo("fifo");
    CHECK(files.read_secret(fifo).error().message ==
          "read " + fifo + ": not a regular file");
    CHECK_FALSE(files.read_secret("/dev/zero"));
    CHECK_FALSE(files.read_secret(dir.path()));
    CHECK(files.read_secret("/nope").error().message ==
          "open /nope: No such file or directory");
}

TEST_CASE("a configuration may come from a device, but not from a directory") {
    RealFiles files;
    CHECK(files.read_config("/dev/null"));
    CHECK_FALSE(files.read_config("/dev/zero"));  // it has no end: too long
    CHECK_FALSE(files.read_config("/"));
}

TEST_CASE("a pattern gives sorted paths, and nothing where nothing is") {
    Directory dir;
    RealFiles files;
    const std::string b = dir.file("b.conf", "", 0600);
    const std::string a = dir.file("a.conf", "", 0600);
    dir.file("c.txt", "", 0600);
    dir.file(".d.conf", "", 0600);
    const auto found = files.expand(dir.path() + "/*.conf");
    REQUIRE(found);
    CHECK(*found == std::vector<std::string>{a, b});
    const auto none = files.expand(dir.path() + "/nope/*.conf");
    REQUIRE(none);
    CHECK(none->empty());
}

TEST_CASE("commands and directories are looked at") {
    Directory dir;
    RealFiles files;
    CHECK(files.check_executable("/bin/sh"));
    CHECK_FALSE(files.check_executable(dir.file("x", "", 0600)));
    CHECK_FALSE(files.check_executable("/"));
    CHECK_FALSE(files.check_executable("/nope"));
    CHECK(files.check_directory("/"));
    CHECK_FALSE(files.check_directory("/bin/sh"));
    CHECK_FALSE(files.check_directory("/nope"));
    CHECK(files.check_group("root"));
    CHECK(files.check_group("4711"));
    CHECK_FALSE(files.check_group("no such group"));
    CHECK_FALSE(files.check_user("no such user"));
}

TEST_CASE("our own variables are found by their prefix") {
    RealFiles files;
    ::setenv("NEUROND_TEST_B", "2", 1);
    ::setenv("NEUROND_TEST_A", "", 1);
    const auto names = files.own_variables();
    CHECK(std::is_sorted(names.begin(), names.end()));
    CHECK(std::count(names.begin(), names.end(), "NEUROND_TEST_A") == 1);
    CHECK(files.variable("NEUROND_TEST_B") == "2");
    CHECK(files.variable("NEUROND_TEST_A") == "");
    CHECK_FALSE(files.variable("NEUROND_TEST_C"));
    ::unsetenv("NEUROND_TEST_A");
    ::unsetenv("NEUROND_TEST_B");
}
