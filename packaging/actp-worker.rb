# The Homebrew formula: copy it into a tap. A release adds url and sha256 above head.
class ActpWorker < Formula
  desc "Supervised actors between a command queue and nine Safari Automation services"
  homepage "https://github.com/actp-worker/actp-worker"
  license "MIT"
  head "https://github.com/actp-worker/actp-worker.git", branch: "main"

  depends_on "python@3.13"
  depends_on "uv"

  def install
    # uv resolves wheels for this machine; nothing is compiled.
    ENV["UV_TOOL_DIR"] = libexec
    ENV["UV_TOOL_BIN_DIR"] = bin
    python = Formula["python@3.13"].opt_bin/"python3.13"
    system "uv", "tool", "install", "--python", python, "."
  end

  service do
    run [opt_bin/"actp", "up", "--foreground"]
    keep_alive successful_exit: false
  end

  test do
    assert_match "Usage: actp", shell_output("#{bin}/actp --help")
  end
end
